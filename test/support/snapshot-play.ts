// What snapshots of live environments are tested with: environments of every kind, played through the service, and what
// a client sees of it as a digest. As a program it goes on from snapshots that another process wrote.
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { specs } from '../../src/envs/registry.ts';
import type { WrapperWish } from '../../src/envs/wrappers/wrapper-registry.ts';
import type { NewEnvironment } from '../../src/services/environment-record.ts';
import { Environments } from '../../src/services/environments.ts';
import { ENGINE_SETTINGS } from './engine-settings.ts';

const STEPS = 200;
const ALL = { seed: null, options: {}, resetMask: null };
const PLAIN = { seed: 11, kwargs: {}, maxEpisodeSteps: null, vector: null, labels: {}, idleTtlS: 3600 };

/** Every wrapper stands in one of them. */
const STACKS: readonly (readonly [specId: string, wrappers: readonly WrapperWish[]])[] = [
  ['Hopper-v5', [{ name: 'RescaleAction' }, { name: 'NormalizeObservation' }, { name: 'NormalizeReward' }]],
  [
    'Pendulum-v1',
    [{ name: 'ClipAction' }, { name: 'TransformReward', kwargs: { scale: 0.1 } }, { name: 'PassiveEnvChecker' }],
  ],
  ['CartPole-v1', [{ name: 'FrameStackObservation' }, { name: 'RecordEpisodeStatistics' }]],
  ['Walker2d-v5', [{ name: 'TimeAwareObservation' }, { name: 'ObservationNoise', kwargs: { deviation: [0, 0.5] } }]],
  ['Taxi-v4', [{ name: 'ActionDelay', kwargs: { delay: [0, 4] } }]],
  [
    'HalfCheetah-v5',
    [
      { name: 'ScaleMass', kwargs: { scale: [0.5, 1.5] } },
      { name: 'ScaleDamping', kwargs: { scale: [0.5, 1.5] } },
      { name: 'JointFriction', kwargs: { friction: [0, 2] } },
      { name: 'SetGravity', kwargs: { gravity: [5, 12] } },
      { name: 'ScaleActuators', kwargs: { scale: [0.5, 1.5] } },
      { name: 'ActionDelay', kwargs: { delay: [0, 4] } },
    ],
  ],
  [
    'Ant-v5',
    [{ name: 'RandomPushes', kwargs: { probability: 0.2, force: [1, 50], duration: [1, 5], direction: 'xyz' } }],
  ],
];

/** By a name that is a file's: every registered environment, the stacks of wrappers, and vectors in every mode. */
export const PLANS: ReadonlyMap<string, NewEnvironment> = new Map<string, NewEnvironment>([
  ...specs().map(({ id }) => [id, { ...PLAIN, specId: id, wrappers: [] }] as const),
  ...STACKS.map(
    ([specId, wrappers], i) => [`stack ${i} ${specId}`, { ...PLAIN, specId, wrappers, maxEpisodeSteps: 60 }] as const,
  ),
  ...(['NextStep', 'SameStep', 'Disabled'] as const).map((autoresetMode) => {
    const vector = { numEnvs: 3, autoresetMode };
    const wrappers = [{ name: 'NormalizeObservation' }];
    return [`vector ${autoresetMode}`, { ...PLAIN, specId: 'Hopper-v5', wrappers, vector }] as const;
  }),
]);

export const WRAPPERS_PLAYED = new Set([...PLANS.values()].flatMap(({ wrappers }) => wrappers.map(({ name }) => name)));

/** `run` on environments over so many worker threads, that end with it. */
export async function withEnvironments<T>(
  workers: number,
  run: (environments: Environments) => Promise<T>,
): Promise<T> {
  const dataDir = mkdtempSync(join(tmpdir(), 'gymserve-snapshots-'));
  const environments = new Environments({ workers, workerData: { dataDir, engines: ENGINE_SETTINGS } });
  try {
    return await run(environments);
  } finally {
    await environments.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** Digest of everything that a client sees of `steps` steps with sampled actions, and resets where they are due. */
export async function play(environments: Environments, id: string, steps: number = STEPS): Promise<string> {
  const seen = createHash('sha256');
  for (let i = 0; i < steps; i++) {
    const sampled = await environments.sampleAction(id);
    const { seq: _, ...step } = await environments.step(id, { ...sampled, seq: null });
    seen.update(asText([sampled, step]));
    if (!environments.get(id).needsReset) continue;
    // In a vector of mode Disabled only what has ended is reset.
    const ended =
      'terminations' in step ? step.terminations.map((over, at) => over || step.truncations[at] === true) : null;
    const { seq: __, ...begun } = await environments.reset(id, { ...ALL, resetMask: ended });
    seen.update(asText(begun));
  }
  const { sha256 } = await environments.snapshot(id);
  return `${seen.digest('hex')} ${sha256}`;
}

/** JSON, but for the wall clock of RecordEpisodeStatistics; numbers as they are, so that no bit is lost. */
function asText(value: unknown): string {
  return JSON.stringify(value, (key, part: unknown) => {
    if (key === 'episode' && typeof part === 'object' && part !== null) return { ...part, t: 0 };
    return typeof part === 'number' && (Object.is(part, -0) || !Number.isFinite(part))
      ? Object.is(part, -0)
        ? '-0'
        : String(part)
      : part;
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const folder = process.argv[2] ?? '';
  await withEnvironments(1, async (environments) => {
    for (const name of readdirSync(folder)) {
      const plan = PLANS.get(name);
      if (plan === undefined) throw new Error(`There is no plan "${name}".`);
      // Nothing of what it was made with may matter but for what a snapshot holds.
      const { id } = await environments.create({ ...plan, seed: 99 });
      await environments.restore(id, readFileSync(join(folder, name)));
      process.stdout.write(`${name}\t${await play(environments, id)}\n`);
      await environments.delete(id);
    }
  });
}
