// What a checkpoint of a full replay costs: HalfCheetah's million transitions, saved at once, after 1,000 further steps, loaded,
// and saved again by the job that loaded them. Each time includes hashing and fsync.
//   npm run bench checkpoint -- [--capacity 1000000] [--steps 1000] [--folder .] [--json]
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { readFlags } from '../scripts/flags.ts';
import { FORMAT_VERSION } from '../src/agent/checkpoint.ts';
import { ReplayBuffer } from '../src/agent/replay/replay-buffer.ts';
import { Pcg64 } from '../src/math/pcg64.ts';
import { Blobs } from '../src/storage/blobs.ts';
import type { ExperienceRef } from '../src/storage/checkpoints.ts';
import { ExperienceFiles } from '../src/workers/experience-files.ts';

const values = readFlags({
  capacity: { type: 'string', default: '1000000' },
  steps: { type: 'string', default: '1000' },
  folder: { type: 'string', default: tmpdir() },
  json: { type: 'boolean', default: false },
});
const [OBSERVATION, ACTION, EPISODE] = [17, 6, 1000];

interface Row {
  readonly what: string;
  readonly ms: number;
  readonly files_written: number;
  readonly bytes_written: number;
}

const document = {
  format_version: FORMAT_VERSION,
  kind: 'experience',
  algorithm: 'sac',
  spec_id: 'HalfCheetah-v5',
  env_kwargs: {},
  hyperparameters: {},
  timesteps: 0,
  engine: null,
  engine_identity: null,
} as const;
const options = {
  capacity: Number(values.capacity),
  observationSize: OBSERVATION,
  actionSize: ACTION,
  lanes: 1,
  steps: 1,
  discount: 0.99,
};
const rng = Pcg64.fromSeed(0);
let clock = 0;

const folder = mkdtempSync(join(resolve(values.folder), 'gymserve-bench-'));
try {
  for (const row of await measure()) {
    const { what, ms, files_written, bytes_written } = row;
    const line = `${what.padEnd(34)} ${ms.toFixed(0).padStart(6)} ms  ${`${files_written}`.padStart(4)} files  ${(bytes_written / 1e6).toFixed(1).padStart(6)} MB\n`;
    process.stdout.write(values.json ? `${JSON.stringify(row)}\n` : line);
  }
} finally {
  rmSync(folder, { recursive: true });
}

async function measure(): Promise<Row[]> {
  const blobs = new Blobs(folder);
  const rows: Row[] = [];
  let named = new Map<string, number>();
  const timed = async (what: string, work: () => Promise<ExperienceRef> | ExperienceRef): Promise<ExperienceRef> => {
    const start = performance.now();
    const ref = await work();
    const ms = performance.now() - start;
    const now = new Map([ref.file, ...ref.segments].map(({ sha256, bytes }) => [sha256, bytes]));
    const fresh = [...now].filter(([sha256]) => !named.has(sha256)).map(([, bytes]) => bytes);
    named = now;
    const bytes = fresh.reduce((sum, one) => sum + one, 0);
    rows.push({ what, ms, files_written: fresh.length, bytes_written: bytes });
    return ref;
  };

  const replay = new ReplayBuffer(options);
  play(replay, options.capacity + EPISODE / 2);
  const files = new ExperienceFiles(blobs);
  await timed('first checkpoint of a full ring', () => files.save(document, replay.getState()));
  play(replay, Number(values.steps));
  const ref = await timed(`after ${values.steps} further steps`, () => files.save(document, replay.getState()));
  const resumed = new ReplayBuffer(options);
  const again = new ExperienceFiles(blobs);
  await timed('loading it', async () => {
    await again.load(ref);
    resumed.setState(again.loaded ?? {});
    again.restored(resumed.getState());
    return ref;
  });
  play(resumed, Number(values.steps));
  await timed(`resumed, after ${values.steps} further steps`, () => again.save(document, resumed.getState()));
  return rows;
}

function play(replay: ReplayBuffer, steps: number): void {
  const [observation, nextObservation] = [new Float32Array(OBSERVATION), new Float32Array(OBSERVATION)];
  const action = new Float32Array(ACTION);
  for (let step = 0; step < steps; step += 1) {
    observation.set(nextObservation);
    rng.fillUniform(nextObservation, -1, 1);
    rng.fillUniform(action, -1, 1);
    const truncated = ++clock % EPISODE === 0;
    replay.add(0, { observation, action, reward: rng.random(), nextObservation, terminated: false, truncated });
    if (truncated) rng.fillUniform(nextObservation, -1, 1);
  }
}
