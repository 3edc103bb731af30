// Holds an environment to the contract, as gymnasium.utils.env_checker.check_env does: spaces, rewards, seeding, fresh
// arrays, exact snapshots, pictures, refusals, closing. It runs environments that it makes and closes, never a live one.
import { Pcg64 } from '../math/pcg64.ts';
import type { Tensors } from '../math/tensor.ts';
import { assertPassed, excerpt, type Finding, format, Report, sameBytes } from './check-report.ts';
import type { Env, StepResult } from './env.ts';
import type { JsonTensor, Value } from './spaces/space.ts';

const RULES = {
  step_before_reset: 'A step before the first reset is refused with reset_required.',
  observation: 'Every observation is in the observation space and of its dtype.',
  reward: 'Every reward is a finite number.',
  flags: 'terminated and truncated are booleans.',
  info: 'Every info is an object.',
  fresh_observations: 'What was handed out does not change later.',
  determinism: 'Two that are made alike give the same trajectory under the same seed and actions.',
  reseeding: 'The same seed again gives the same trajectory again.',
  same_end: 'The same seed and actions end in the same snapshot.',
  seeding: 'Another seed gives another generator.',
  snapshot_copy: 'A snapshot does not change as the environment goes on.',
  snapshot_restore: 'A restored snapshot reads back the same bytes, in another one that is made alike too.',
  snapshot_replay: 'Steps after a restored snapshot repeat.',
  picture_size: 'A picture has the size that was asked for.',
  picture_repeats: 'The same state looks the same.',
  picture_passive: 'Looking does not change the state.',
  action_space: 'Drawn actions are in the action space and come back from JSON as they were.',
  action_shape: 'An action of another shape is refused with action_out_of_space, and changes nothing.',
  action_finite: 'An action that is not finite is refused with action_out_of_space, and changes nothing.',
  step_after_end: 'A step after the end of an episode is refused with reset_required.',
  close: 'Closing twice is harmless.',
} as const;

type Rule = keyof typeof RULES;

export interface CheckOptions {
  readonly seed: number;
  /** How long each of the half dozen trajectories is; at least 1. */
  readonly steps?: number;
  /** Why the environment remembers more than a seeded reset forgets; null where it does not. */
  readonly remembers?: string | null;
}

/** A finding for every rule. `make` gives a new environment each time, all alike; they are closed in any case. */
export async function examineEnv(make: () => Promise<Env>, options: CheckOptions): Promise<Finding[]> {
  const report = new Report(RULES);
  const opened: Env[] = [];
  const open = async (): Promise<Env> => {
    const env = await make();
    opened.push(env);
    return env;
  };
  try {
    const check = new Check(report, await open(), await open(), options);
    await report.run(['step_before_reset'], () => check.order());
    await report.run(STEP_RULES, () => check.seeding());
    await report.run(['snapshot_copy', 'snapshot_restore', 'snapshot_replay'], () => check.snapshot());
    await report.run(['picture_size', 'picture_repeats', 'picture_passive'], () => check.picture());
    await report.run(['action_space', 'action_shape', 'action_finite'], () => check.actions());
    await report.run(['step_after_end'], () => check.end());
  } finally {
    await report.run(['close'], () => {
      for (const env of opened) env.close();
      for (const env of opened) env.close();
    });
  }
  return report.findings();
}

/** Throws an `Error` naming the first rule that is broken. */
export async function checkEnv(make: () => Promise<Env>, options: CheckOptions): Promise<void> {
  assertPassed('The environment', await examineEnv(make, options));
}

const STEP_RULES: readonly Rule[] = [
  'observation',
  'reward',
  'flags',
  'info',
  'fresh_observations',
  'determinism',
  'reseeding',
  'same_end',
  'seeding',
];

class Check {
  readonly #report: Report<typeof RULES>;
  readonly #env: Env;
  readonly #twin: Env;
  readonly #seed: number;
  readonly #steps: number;
  readonly #remembers: string | null;

  constructor(
    report: Report<typeof RULES>,
    env: Env,
    twin: Env,
    { seed, steps = 100, remembers = null }: CheckOptions,
  ) {
    this.#report = report;
    this.#env = env;
    this.#twin = twin;
    this.#seed = seed;
    this.#steps = steps;
    this.#remembers = remembers;
  }

  /** Must be the first: later the environment was reset. */
  order(): void {
    const action = this.#env.actionSpace.sample(Pcg64.fromSeed(this.#seed));
    this.#report.requireRefusal('step_before_reset', 'reset_required', () => this.#env.step(action));
  }

  seeding(): void {
    const report = this.#report;
    const [env, twin, seed] = [this.#env, this.#twin, this.#seed];
    const first = this.#play(env);
    const end = env.getState();
    report.require('determinism', first === this.#play(twin), () => 'They took different trajectories.');
    report.require('same_end', sameBytes(end, twin.getState()), () => 'Their snapshots differ.');

    const again = this.#play(env);
    if (this.#remembers !== null) report.note('reseeding', `It was not held to this: ${this.#remembers}.`);
    else report.require('reseeding', first === again, () => 'The second trajectory is another one.');

    env.reset({ seed });
    const generator = generatorOf(env.getState());
    env.reset({ seed: seed + 1 });
    const isAnother = generator !== generatorOf(env.getState());
    report.require('seeding', isAnother, () => `Seeds ${seed} and ${seed + 1} give the same generator.`);
  }

  /** What the environment and one that was put to a snapshot of it see. */
  snapshot(): void {
    const report = this.#report;
    const [env, twin] = [this.#env, this.#twin];
    const actions = Pcg64.fromSeed(this.#seed);
    env.reset({ seed: this.#seed });
    for (let i = 0; i < this.#steps / 2; i++) this.#advance(env, actions);
    const snapshot = env.getState();
    const copy = structuredClone(snapshot);
    const drawn = actions.getState();

    const onward = Array.from({ length: this.#steps }, () => format(this.#advance(env, actions)));
    report.require('snapshot_copy', sameBytes(snapshot, copy), () => 'It changed with the environment.');
    for (const [other, where] of [
      [env, 'in the environment that it was taken of'],
      [twin, 'in another one'],
    ] as const) {
      other.setState(copy);
      report.require('snapshot_restore', sameBytes(other.getState(), copy), () => `It reads back otherwise ${where}.`);
      actions.setState(drawn);
      const again = onward.map(() => format(this.#advance(other, actions)));
      const different = again.findIndex((step, i) => step !== onward[i]);
      report.require('snapshot_replay', different < 0, () => `Step ${different + 1} after it differs ${where}.`);
    }
  }

  /** Looking gives all pixels, the same twice, and changes nothing. */
  picture(): void {
    const env = this.#env;
    env.reset({ seed: this.#seed });
    const before = env.getState();
    const size = { width: 32, height: 24 };
    const image = env.render(size);
    const { width, height, data } = image;
    this.#report.require(
      'picture_size',
      width === size.width && height === size.height && data.length === 3 * width * height,
      () => `Asked for 32 × 24 pixels it gave ${width} × ${height} in ${data.length} bytes.`,
    );
    this.#report.require('picture_repeats', format(env.render(size)) === format(image), () => 'It looks different.');
    const isPassive = sameBytes(before, env.getState());
    this.#report.require('picture_passive', isPassive, () => 'The snapshot after it is another one.');
  }

  /** Held to what comes in as JSON, as over the API. */
  actions(): void {
    const env = this.#env;
    const space = env.actionSpace;
    const rng = Pcg64.fromSeed(this.#seed);
    for (let i = 0; i < 10; i++) {
      const action = space.sample(rng);
      const isKept = space.contains(action) && format(space.parse(space.toJson(action), 'action')) === format(action);
      this.#report.require('action_space', isKept, () => `The draw ${excerpt(action)} is not.`);
    }
    env.reset({ seed: this.#seed });
    const before = env.getState();
    const json = space.toJson(space.sample(rng));
    const step = (action: JsonTensor) => env.step(space.parse(action, 'action'));
    this.#report.requireRefusal('action_shape', 'action_out_of_space', () => step([json, json]));
    this.#report.requireRefusal('action_finite', 'action_out_of_space', () => step(filled(json, 'NaN')));
    const isUnchanged = sameBytes(before, env.getState());
    for (const rule of ['action_shape', 'action_finite'] as const)
      this.#report.require(rule, isUnchanged, () => 'The refused action changed the state.');
  }

  end(): void {
    const env = this.#env;
    const actions = Pcg64.fromSeed(this.#seed);
    env.reset({ seed: this.#seed });
    for (let i = 0; i < this.#steps; i++) {
      const { terminated, truncated } = env.step(env.actionSpace.sample(actions));
      if (!terminated && !truncated) continue;
      const action = env.actionSpace.sample(actions);
      this.#report.requireRefusal('step_after_end', 'reset_required', () => env.step(action));
      return;
    }
    this.#report.note('step_after_end', `No episode ended within ${this.#steps} steps, so there was nothing to see.`);
  }

  /** A step with a random action, and a reset where the episode ended, held to the rules of what both give. */
  #advance(env: Env, actions: Pcg64): unknown {
    const report = this.#report;
    const result: StepResult = env.step(env.actionSpace.sample(actions));
    const { observation, reward, terminated, truncated, info } = result;
    this.#look(env, observation, info, 'step');
    const isNumber = typeof reward === 'number' && Number.isFinite(reward);
    report.require('reward', isNumber, () => `The reward is ${String(reward)}.`);
    const areBooleans = typeof terminated === 'boolean' && typeof truncated === 'boolean';
    report.require('flags', areBooleans, () => `They are ${excerpt(terminated)} and ${excerpt(truncated)}.`);
    if (!terminated && !truncated) return result;
    const begun = env.reset();
    this.#look(env, begun.observation, begun.info, 'reset');
    return [result, begun];
  }

  /** A trajectory from a seeded reset on, as text. */
  #play(env: Env): string {
    const actions = Pcg64.fromSeed(this.#seed);
    const start = env.reset({ seed: this.#seed });
    this.#look(env, start.observation, start.info, 'reset');
    const before = format(start);
    const results = Array.from({ length: this.#steps }, () => this.#advance(env, actions));
    const isFresh = format(start) === before;
    this.#report.require(
      'fresh_observations',
      isFresh,
      () => 'The observation of reset changed with the steps after it.',
    );
    return format([start, ...results]);
  }

  #look(env: Env, observation: Value, info: unknown, where: 'step' | 'reset'): void {
    const { observationSpace } = env;
    this.#report.require(
      'observation',
      observationSpace.contains(observation),
      () => `That of ${where} is ${excerpt(observation)}, not in ${JSON.stringify(observationSpace.toDocument())}.`,
    );
    const isObject = typeof info === 'object' && info !== null && !Array.isArray(info);
    this.#report.require('info', isObject, () => `That of ${where} is ${excerpt(info)}.`);
  }
}

/** `json` with `element` in place of every number. */
function filled(json: JsonTensor, element: 'NaN'): JsonTensor {
  return Array.isArray(json) ? json.map((part) => filled(part, element)) : element;
}

/** The tensors of the generators, at whatever depth of wrappers, as text. */
function generatorOf(state: Tensors): string {
  return Object.entries(state)
    .filter(([name]) => name.endsWith('/pcg64'))
    .map(([name, { data }]) => [name, ...Array.from(data as ArrayLike<number | bigint>, String)].join(' '))
    .join('\n');
}
