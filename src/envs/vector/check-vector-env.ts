// Holds a vector environment to the contract of gymnasium.vector: seeds, batches, autoreset, snapshots, refusals. What each
// sub-environment does for itself is check-env.ts's to look at.
import { Pcg64 } from '../../math/pcg64.ts';
import { excerpt, type Finding, format, Report, sameBytes } from '../check-report.ts';
import type { Env } from '../env.ts';
import { type Batch, Batches, sampleBatch } from './batch.ts';
import type { VectorEnv, VectorStepResult } from './vector-env.ts';

const RULES = {
  vector_step_before_reset: 'A step before the first reset is refused with reset_required.',
  vector_seeding: 'A seed s starts sub-environment i as a single environment starts with s + i.',
  vector_batches: 'Observations, rewards and flags have one entry for each sub-environment.',
  vector_determinism: 'Two that are made alike give the same trajectory under the same seed and actions.',
  vector_snapshot: 'A snapshot restored in another one that is made alike goes on in the same way.',
  vector_autoreset: 'What follows the end of an episode is what autoreset_mode says.',
} as const;

export interface VectorCheckOptions {
  readonly seed: number;
  readonly steps: number;
}

/** A finding for every rule. `make` gives a new vector environment each time, `makeOne` a single one; they are closed in any case. */
export async function examineVectorEnv(
  make: () => Promise<VectorEnv>,
  makeOne: () => Promise<Env>,
  { seed, steps }: VectorCheckOptions,
): Promise<Finding[]> {
  const report = new Report(RULES);
  using envs = await make();
  using twins = await make();
  using one = await makeOne();
  const check = new VectorCheck(report, envs, twins, { seed, steps });
  await report.run(['vector_step_before_reset'], () => check.order());
  await report.run(['vector_seeding'], () => check.seeding(one));
  await report.run(['vector_batches', 'vector_determinism', 'vector_snapshot', 'vector_autoreset'], () => check.play());
  return report.findings();
}

class VectorCheck {
  readonly #report: Report<typeof RULES>;
  readonly #envs: VectorEnv;
  readonly #twins: VectorEnv;
  readonly #seed: number;
  readonly #steps: number;
  readonly #observations: Batches;

  constructor(report: Report<typeof RULES>, envs: VectorEnv, twins: VectorEnv, { seed, steps }: VectorCheckOptions) {
    this.#report = report;
    this.#envs = envs;
    this.#twins = twins;
    this.#seed = seed;
    this.#steps = steps;
    this.#observations = new Batches(envs.singleObservationSpace.toDocument());
  }

  /** Must be the first: later they were reset. */
  order(): void {
    const batch = this.#draw(Pcg64.fromSeed(this.#seed));
    this.#report.requireRefusal('vector_step_before_reset', 'reset_required', () => this.#envs.step(batch));
  }

  seeding(one: Env): void {
    const { observations } = this.#envs.reset({ seed: this.#seed });
    // The last one: a single environment that remembers more than a reset forgets may be reset only once.
    const last = this.#envs.numEnvs - 1;
    const { observation } = one.reset({ seed: this.#seed + last });
    const found = this.#observations.read(observations, last);
    this.#report.require(
      'vector_seeding',
      format(found) === format(observation),
      () => `Sub-environment ${last} starts with ${excerpt(found)}, a single one with ${excerpt(observation)}.`,
    );
  }

  play(): void {
    const report = this.#report;
    const [envs, twins] = [this.#envs, this.#twins];
    // They were reset a different number of times, which statistics of wrappers remember.
    twins.reset({ seed: this.#seed });
    const actions = Pcg64.fromSeed(this.#seed);
    const starts = [envs, twins].map((vector) => format(vector.reset({ seed: this.#seed })));
    let isSame = starts[0] === starts[1];
    let before: readonly boolean[] = new Array<boolean>(envs.numEnvs).fill(false);
    let hasEnded = false;
    for (let i = 0; i < this.#steps; i++) {
      const batch = this.#draw(actions);
      if (envs.autoresetMode === 'Disabled' && before.includes(true)) {
        this.#report.requireRefusal('vector_autoreset', 'reset_required', () => envs.step(batch));
        for (const vector of [envs, twins]) vector.reset({ resetMask: before });
      }
      const step = envs.step(batch);
      isSame &&= format(step) === format(twins.step(batch));
      this.#look(step, before);
      before = step.terminations.map((terminated, at) => terminated || step.truncations[at] === true);
      hasEnded ||= before.includes(true);
    }
    report.require('vector_determinism', isSame, () => 'They took different trajectories.');
    if (!hasEnded) {
      const detail = `No episode ended within ${this.#steps} steps, so there was nothing to see.`;
      report.note('vector_autoreset', detail);
    }
    this.#snapshot(before);
  }

  #snapshot(ended: readonly boolean[]): void {
    const [envs, twins] = [this.#envs, this.#twins];
    const snapshot = envs.getState();
    const copy = structuredClone(snapshot);
    // The other is somewhere else before.
    twins.reset({ seed: this.#seed + 1 });
    twins.setState(snapshot);
    const isRead = sameBytes(twins.getState(), copy);
    this.#report.require('vector_snapshot', isRead, () => 'It reads back otherwise.');
    if (envs.autoresetMode === 'Disabled' && ended.includes(true))
      for (const vector of [envs, twins]) vector.reset({ resetMask: ended });
    const batch = this.#draw(Pcg64.fromSeed(this.#seed + 1));
    const goesOn = format(envs.step(batch)) === format(twins.step(batch));
    this.#report.require('vector_snapshot', goesOn, () => 'The step after it differs.');
  }

  #look(
    { observations, rewards, terminations, truncations, infos }: VectorStepResult,
    endedBefore: readonly boolean[],
  ): void {
    const { numEnvs, autoresetMode } = this.#envs;
    const lengths = [observations.length / this.#observations.size, rewards, terminations, truncations].map((list) =>
      typeof list === 'number' ? list : list.length,
    );
    const areWhole = lengths.every((length) => length === numEnvs);
    this.#report.require('vector_batches', areWhole, () => `There are ${lengths.join(', ')} of ${numEnvs}.`);
    const ended = terminations.map((terminated, i) => terminated || truncations[i] === true);
    if (autoresetMode === 'SameStep' && ended.includes(true)) {
      const areShown = format(infos['_final_obs']) === format(ended);
      this.#report.require('vector_autoreset', areShown, () => `_final_obs is ${excerpt(infos['_final_obs'])}.`);
    }
    if (autoresetMode !== 'NextStep') return;
    const isQuiet = endedBefore.every((over, i) => !over || (rewards[i] === 0 && !ended[i]));
    this.#report.require('vector_autoreset', isQuiet, () => 'The step after an end rewards or ends something.');
  }

  #draw(rng: Pcg64): Batch {
    const { numEnvs, singleActionSpace } = this.#envs;
    const document = singleActionSpace.toDocument();
    return new Batches(document).parse(sampleBatch(document, numEnvs, rng), numEnvs);
  }
}
