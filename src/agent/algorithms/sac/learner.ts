// SAC while it learns: two compiled programs, replay, three random streams. The mathematics is in update-program.ts and losses.ts.
import type { Program } from '../../../compute/engine.ts';
import { DomainError } from '../../../errors.ts';
import type { Pcg64 } from '../../../math/pcg64.ts';
import { nest, type Tensors, take, takeVector, under, vector } from '../../../math/tensor.ts';
import type { BoxSpaces, Experience, Learner, LearnerSetup, Transition } from '../../algorithm.ts';
import { adamScalars } from '../../nn/adam.ts';
import { ExplorationNoise } from '../../nn/exploration-noise.ts';
import { ObservationNormalizer } from '../../nn/observation-normalizer.ts';
import { type Pack, packState, unpackState } from '../../nn/packing.ts';
import { RewardNormalizer } from '../../nn/reward-normalizer.ts';
import { type Batch, type Picks, ReplayBuffer, type ReplayOptions } from '../../replay/replay-buffer.ts';
import { ReplayMirror } from '../../replay/replay-mirror.ts';
import { type CompiledUpdate, compileUpdate } from './compiled-update.ts';
import type { SacConfig } from './config.ts';
import { type Architecture, optimisedPacks, packsOf, policyPacks, settingsOf } from './networks.ts';
import { policyProgram } from './policy.ts';
import { updateOptions, updateProgram } from './update-program.ts';

export async function createSacLearner(setup: LearnerSetup<BoxSpaces>): Promise<Learner> {
  const { engine, numEnvs } = setup;
  const { config, architecture } = settingsOf(setup.hyperparameters, setup.spaces);
  const graph = updateProgram(architecture, updateOptions(config));
  const update = await compileUpdate(graph, config, replayOptions(config, architecture, numEnvs), setup);
  const acting = await engine.compile(policyProgram(architecture, numEnvs), { threads: 1, acts: true });
  return new SacLearner(config, architecture, { update, acting }, setup);
}

export const replayOptions = (
  { replayCapacity, steps, discount }: SacConfig,
  { observation, action }: Architecture,
  lanes: number,
): ReplayOptions => ({
  capacity: replayCapacity,
  observationSize: observation,
  actionSize: action,
  lanes,
  steps,
  discount,
});

/** Beyond this a learnt temperature will not come back: rewards do not matter any more. */
const LARGEST_TEMPERATURE = 1e6;

/** What an output of one of several gradient steps begins with, see `unroll`. */
const OF_STEP = /^(\d+)\//;

type Scalar =
  | 'actorStep'
  | 'criticStep'
  | 'temperatureStep'
  | 'criticEpsilon'
  | 'policyEpsilon'
  | 'targetStep'
  | 'policyGate';
/** The inputs of `updateProgram`; those in brackets only where the settings need them, a batch or what it is picked by. */
type Inputs = Readonly<Record<'noise' | Scalar, Float32Array>> &
  Batch &
  Picks & { readonly [name in 'nextNoise' | 'observationMean' | 'observationScale']?: Float32Array };

class SacLearner implements Learner {
  readonly engineIdentity: string;
  readonly #config: SacConfig;
  readonly #packs: ReturnType<typeof packsOf>;
  readonly #policyPacks: readonly Pack[];
  readonly #update: Program;
  /** Of each gradient step of a call. */
  readonly #calls: CompiledUpdate['steps'];
  readonly #acting: Program;
  readonly #replay: ReplayBuffer;
  /** Null where transitions come from the host. */
  readonly #mirror: ReplayMirror | null;
  readonly #normalizer: ObservationNormalizer | null;
  readonly #rewards: RewardNormalizer;
  readonly #noise: ExplorationNoise;
  readonly #streams: Readonly<Record<'exploration' | 'noise' | 'indices', Pcg64>>;
  readonly #actions: Float32Array;
  /** Sums of the update's outputs since the last `takeMetrics`. */
  #sums: Record<string, number> = {};
  #summed = 0;
  /** Gradient steps taken, ever. */
  #updates = 0;
  /** Transitions observed. */
  #steps = 0;
  #due = 0;
  /** Whether the acting program has the newest policy. */
  #fresh = false;

  constructor(
    config: SacConfig,
    architecture: Architecture,
    { update, acting }: { readonly update: CompiledUpdate; readonly acting: Program },
    { rng, state, numEnvs }: LearnerSetup,
  ) {
    const { observation, action } = architecture;
    this.#config = config;
    this.#packs = packsOf(architecture);
    this.#policyPacks = policyPacks(architecture);
    this.#update = update.program;
    this.engineIdentity = update.identity;
    this.#calls = update.steps;
    this.#acting = acting;
    const options = replayOptions(config, architecture, numEnvs);
    this.#replay = new ReplayBuffer(options);
    this.#mirror = update.hasTables ? new ReplayMirror(this.#replay, options, update.program) : null;
    this.#normalizer = config.observationNormalization ? new ObservationNormalizer(observation) : null;
    this.#rewards = new RewardNormalizer(config.rewardNormalization, config.discount, numEnvs);
    this.#noise = new ExplorationNoise({
      kind: config.explorationNoise,
      std: config.explorationNoiseStd,
      lanes: numEnvs,
      size: action,
    });
    // One stream a consumer: warm-up and exploration do not shift what replay draws.
    this.#streams = { exploration: rng.split(), noise: rng.split(), indices: rng.split() };
    this.#actions = new Float32Array(numEnvs * action);
    this.#setState(state);
  }

  async explore(observations: Float32Array | Float64Array): Promise<Float32Array> {
    const { exploration } = this.#streams;
    if (this.#steps < this.#config.learningStarts) {
      exploration.fillUniform(this.#actions, -1, 1);
      return this.#actions;
    }
    if (!this.#fresh) {
      this.#acting.setState(this.#packedPolicy());
      this.#fresh = true;
    }
    const { inputs, outputs } = this.#acting as unknown as {
      inputs: Record<'observation' | 'noise', Float32Array>;
      outputs: Record<'action', Float32Array>;
    };
    inputs.observation.set(observations);
    exploration.fillNormal(inputs.noise);
    await this.#acting.run();
    this.#actions.set(outputs.action);
    this.#noise.apply(this.#actions, exploration);
    return this.#actions;
  }

  /** The state of the acting program, of the arrays that the update holds: naming each parameter would copy all of them twice a step. */
  #packedPolicy(): Tensors {
    const actor = this.#packs.actor.map(({ name, shape }) => [name, { shape, data: this.#update.peek(name) }] as const);
    const seen = this.#normalizer && packState(this.#policyPacks.slice(actor.length), this.#normalizer.policyState());
    return { ...Object.fromEntries(actor), ...seen };
  }

  observe(transitions: readonly Transition[]): void {
    for (const [lane, transition] of transitions.entries()) {
      this.#replay.add(lane, transition);
      this.#normalizer?.observe(transition.observation);
      this.#rewards.observe(lane, transition);
      if (transition.terminated || transition.truncated) this.#noise.endEpisode(lane);
    }
    // What the policy sees through has moved: a run that goes on from a checkpoint here would begin with the newest, too.
    if (this.#normalizer !== null) this.#fresh = false;
    const { learningStarts, trainFrequency, gradientSteps } = this.#config;
    const roundsBefore = Math.floor(this.#steps / trainFrequency);
    this.#steps += transitions.length;
    const rounds = Math.floor(this.#steps / trainFrequency) - roundsBefore;
    if (this.#steps >= learningStarts && rounds > 0)
      this.#due += gradientSteps === -1 ? rounds * trainFrequency : gradientSteps;
  }

  /** Into the first lane. Its rewards are normalised by nothing, and its noise is whatever acted: `looseReplay` has seen to it. */
  absorb(transition: Transition): void {
    this.#replay.add(0, transition);
    this.#normalizer?.observe(transition.observation);
    this.#steps += 1;
    if (this.#normalizer !== null) this.#fresh = false;
  }

  updatesDue(): number {
    return this.#due;
  }

  async update(): Promise<number> {
    const count = this.#calls.length;
    this.#mirror?.update();
    for (const [index, { inputs }] of this.#calls.entries())
      this.#fillInputs(inputs as unknown as Inputs, this.#updates + index);
    await this.#update.run();
    this.#updates += count;
    this.#due = Math.max(0, this.#due - count);
    this.#fresh = false;
    this.#assertSound();
    for (const { outputs } of this.#calls) {
      for (const [name, [value = Number.NaN]] of Object.entries(outputs))
        this.#sums[name] = (this.#sums[name] ?? 0) + value;
    }
    this.#summed += count;
    return count;
  }

  /** For the gradient step that `updates` came before. */
  #fillInputs(inputs: Inputs, updates: number): void {
    const { noise, indices } = this.#streams;
    const config = this.#config;
    if (this.#mirror === null) this.#replay.sample(indices, inputs);
    else this.#replay.pick(indices, inputs);
    const factor = config.rewardScale / this.#rewards.divisor;
    if (factor !== 1) for (const [row, reward] of inputs.reward.entries()) inputs.reward[row] = reward * factor;
    noise.fillNormal(inputs.noise);
    if (inputs.nextNoise !== undefined) noise.fillNormal(inputs.nextNoise);
    if (this.#normalizer !== null) {
      const { mean, scale } = this.#normalizer.parameters;
      inputs.observationMean?.set(mean);
      inputs.observationScale?.set(scale);
    }

    // From 1: Adam's corrections divide by 1 − βᵗ.
    const t = updates + 1;
    const critic = adamScalars(t);
    const policy = adamScalars(Math.max(1, Math.floor(t / config.policyDelay)));
    const scalars: Readonly<Record<Scalar, number>> = {
      criticStep: config.criticLearningRate(updates) * critic.stepPerRate,
      criticEpsilon: critic.epsilon,
      actorStep: config.actorLearningRate(updates) * policy.stepPerRate,
      temperatureStep: config.temperatureLearningRate(updates) * policy.stepPerRate,
      policyEpsilon: policy.epsilon,
      policyGate: t % config.policyDelay === 0 ? 1 : 0,
      targetStep: t % config.targetUpdateInterval === 0 ? config.targetSmoothing : 0,
    };
    for (const [name, value] of Object.entries(scalars)) {
      const input: Float32Array | undefined = inputs[name as Scalar];
      if (input !== undefined) input[0] = value;
    }
  }

  /** Throws `non_finite` or `diverged`. */
  #assertSound(): void {
    const first = this.#updates - this.#calls.length + 1;
    const wrong = this.#update.nonFinite();
    if (wrong.length > 0) {
      const unique = [...new Set(wrong.map((name) => name.replace(OF_STEP, '')))];
      const names = unique.slice(0, 3).map((name) => `"${name}"`);
      const more = unique.length > 3 ? ` and ${unique.length - 3} more` : '';
      const update = first + Number(OF_STEP.exec(wrong[0] as string)?.[1] ?? 0);
      throw new DomainError(
        'non_finite',
        `${names.join(', ')}${more} became NaN or infinite in update ${update}: rewards or observations are not finite, or a learning rate or reward_scale is too high.`,
      );
    }
    if (this.#config.temperature !== null) return;
    for (const [index, { outputs }] of this.#calls.entries()) {
      const [alpha = 0] = outputs['alpha'] ?? [];
      if (alpha <= LARGEST_TEMPERATURE) continue;
      throw new DomainError(
        'diverged',
        `The temperature "alpha" reached ${alpha.toPrecision(3)} in update ${first + index}, beyond ${LARGEST_TEMPERATURE}: the policy's entropy stays below target_entropy. Lower temperature_learning_rate or the other learning rates, target_entropy or reward_scale, or fix temperature.`,
      );
    }
  }

  takeMetrics(): Readonly<Record<string, number>> {
    if (this.#summed === 0) return {};
    const means = Object.entries(this.#sums).map(([name, sum]) => [name, sum / this.#summed] as const);
    this.#sums = {};
    this.#summed = 0;
    const { rewardNormalization } = this.#config;
    return {
      ...Object.fromEntries(means),
      ...(rewardNormalization !== 'none' && { reward_divisor: this.#rewards.divisor }),
      updates: this.#updates,
      replay_size: this.#replay.size,
    };
  }

  policyState(): Tensors {
    return {
      ...unpackState(this.#packs.actor, ({ name }) => this.#update.peek(name)),
      ...this.#normalizer?.policyState(),
    };
  }

  getState(): Tensors {
    const read = (packs: readonly Pack[], prefix = ''): Tensors =>
      unpackState(packs, ({ name }) => this.#update.peek(`${prefix}${name}`));
    const optimised = optimisedPacks(this.#packs);
    return {
      ...read([...optimised, ...this.#packs.targets]),
      ...nest('adam/m', read(optimised, 'm/')),
      ...nest('adam/v', read(optimised, 'v/')),
      ...this.#normalizer?.getState(),
      updates: { shape: [], data: Float64Array.of(this.#updates) },
    };
  }

  #setState(state: Tensors): void {
    const optimised = optimisedPacks(this.#packs);
    this.#update.setState({
      ...packState([...optimised, ...this.#packs.targets], state),
      ...nest('m', packState(optimised, under('adam/m', state))),
      ...nest('v', packState(optimised, under('adam/v', state))),
    });
    this.#normalizer?.setState(state);
    this.#updates = take(state, 'updates', Float64Array).data[0] as number;
  }

  getExperience(): Experience {
    const streams = Object.entries(this.#streams).map(([name, stream]) => nest(`rng/${name}`, stream.getState()));
    const { tensors, segments } = this.#replay.getState();
    return {
      tensors: {
        ...nest('replay', tensors),
        ...Object.assign({}, ...streams),
        ...nest('exploration', this.#noise.getState()),
        ...nest('rewards', this.#rewards.getState()),
        counters: vector(Float64Array.of(this.#steps, this.#due)),
        // A resumed run reports the means that it would have reported undisturbed.
        metrics: vector(Float64Array.of(this.#summed, ...this.#outputNames().map((name) => this.#sums[name] ?? 0))),
      },
      segments: segments.map((segment) => ({ ...segment, name: `replay/${segment.name}` })),
    };
  }

  setExperience(experience: Tensors): void {
    this.#replay.setState(under('replay', experience));
    for (const [name, stream] of Object.entries(this.#streams)) stream.setState(under(`rng/${name}`, experience));
    this.#noise.setState(under('exploration', experience));
    this.#rewards.setState(under('rewards', experience));
    const [steps, due] = take(experience, 'counters', Float64Array).data;
    this.#steps = steps as number;
    this.#due = due as number;
    const names = this.#outputNames();
    const [summed = 0, ...sums] = takeVector(experience, 'metrics', Float64Array, 1 + names.length);
    this.#summed = summed;
    this.#sums = summed === 0 ? {} : Object.fromEntries(names.map((name, i) => [name, sums[i] as number]));
  }

  #outputNames(): string[] {
    return Object.keys(this.#calls[0]?.outputs ?? {});
  }

  async dispose(): Promise<void> {
    await this.#update.dispose();
    await this.#acting.dispose();
  }
}
