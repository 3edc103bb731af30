// SAC while it learns: two compiled programs, replay, three random streams. The mathematics is in programs.ts and losses.ts.
import type { Program } from '../../../compute/engine.ts';
import { DomainError } from '../../../errors.ts';
import type { Pcg64 } from '../../../math/pcg64.ts';
import { nest, type Tensors, take, under, vector } from '../../../math/tensor.ts';
import type { Learner, LearnerSetup, Transition } from '../../algorithm.ts';
import { adamScalars } from '../../nn/adam.ts';
import { type Pack, packState, unpackState } from '../../nn/packing.ts';
import { type Batch, ReplayBuffer } from '../../replay/replay-buffer.ts';
import { type SacConfig, sacConfig } from './config.ts';
import type { Sizes } from './networks.ts';
import { packsOf, policyProgram, updateProgram } from './programs.ts';

export async function createSacLearner(setup: LearnerSetup, sizes: Sizes): Promise<Learner> {
  const { engine, threads } = setup;
  const config = sacConfig(setup.hyperparameters, sizes.action);
  const update = await engine.compile(updateProgram(sizes, config), { threads });
  const acting = await engine.compile(policyProgram(sizes, 1), { threads: 1 });
  return new SacLearner(config, sizes, update, acting, setup.rng, setup.state);
}

type Inputs = Readonly<
  Record<'noise' | 'nextNoise' | 'actorStep' | 'criticStep' | 'temperatureStep' | 'adamEpsilon', Float32Array>
> &
  Batch;

class SacLearner implements Learner {
  readonly engineIdentity: string;
  readonly #config: SacConfig;
  readonly #packs: ReturnType<typeof packsOf>;
  readonly #update: Program;
  readonly #inputs: Inputs;
  readonly #acting: Program;
  readonly #replay: ReplayBuffer;
  readonly #streams: Readonly<Record<'exploration' | 'noise' | 'indices', Pcg64>>;
  readonly #randomAction: Float32Array;
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

  constructor(config: SacConfig, sizes: Sizes, update: Program, acting: Program, rng: Pcg64, state: Tensors) {
    this.#config = config;
    this.#packs = packsOf(sizes, config.temperature);
    this.#update = update;
    this.engineIdentity = update.identity;
    this.#inputs = update.inputs as unknown as Inputs;
    this.#acting = acting;
    this.#replay = new ReplayBuffer(config.replayCapacity, sizes.observation, sizes.action);
    // One stream a consumer: warm-up and exploration do not shift what replay draws.
    this.#streams = { exploration: rng.split(), noise: rng.split(), indices: rng.split() };
    this.#randomAction = new Float32Array(sizes.action);
    this.#setState(state);
  }

  async explore(observation: Float32Array | Float64Array): Promise<Float32Array> {
    if (this.#steps < this.#config.learningStarts) {
      this.#streams.exploration.fillUniform(this.#randomAction, -1, 1);
      return this.#randomAction;
    }
    if (!this.#fresh) {
      this.#acting.setState(
        Object.fromEntries(
          this.#packs.actor.map(({ name, shape }) => [name, { shape, data: this.#update.peek(name) }]),
        ),
      );
      this.#fresh = true;
    }
    const { inputs, outputs } = this.#acting as unknown as {
      inputs: Record<'observation' | 'noise', Float32Array>;
      outputs: Record<'action', Float32Array>;
    };
    inputs.observation.set(observation);
    this.#streams.exploration.fillNormal(inputs.noise);
    await this.#acting.run();
    return outputs.action;
  }

  observe(transition: Transition): void {
    this.#replay.add(transition);
    this.#steps += 1;
    const { learningStarts, trainFrequency, gradientSteps } = this.#config;
    if (this.#steps >= learningStarts && this.#steps % trainFrequency === 0) this.#due += gradientSteps;
  }

  updatesDue(): number {
    return this.#due;
  }

  async update(): Promise<void> {
    const { actorLearningRate, criticLearningRate, temperatureLearningRate } = this.#config;
    const inputs = this.#inputs;
    this.#replay.sample(this.#streams.indices, inputs);
    this.#streams.noise.fillNormal(inputs.noise);
    this.#streams.noise.fillNormal(inputs.nextNoise);
    const { stepPerRate, epsilon } = adamScalars(this.#updates + 1);
    inputs.actorStep[0] = actorLearningRate * stepPerRate;
    inputs.criticStep[0] = criticLearningRate * stepPerRate;
    inputs.temperatureStep[0] = temperatureLearningRate * stepPerRate;
    inputs.adamEpsilon[0] = epsilon;
    await this.#update.run();
    this.#updates += 1;
    this.#due = Math.max(0, this.#due - 1);
    this.#fresh = false;
    const wrong = this.#update.nonFinite();
    if (wrong.length > 0) {
      const names = wrong.slice(0, 3).map((name) => `"${name}"`);
      const more = wrong.length > 3 ? ` and ${wrong.length - 3} more` : '';
      throw new DomainError(
        'non_finite',
        `${names.join(', ')}${more} became NaN or infinite in update ${this.#updates}: rewards or observations are not finite, or a learning rate is too high.`,
      );
    }
    for (const [name, [value = Number.NaN]] of Object.entries(this.#update.outputs)) {
      this.#sums[name] = (this.#sums[name] ?? 0) + value;
    }
    this.#summed += 1;
  }

  takeMetrics(): Readonly<Record<string, number>> {
    if (this.#summed === 0) return {};
    const means = Object.entries(this.#sums).map(([name, sum]) => [name, sum / this.#summed] as const);
    this.#sums = {};
    this.#summed = 0;
    return { ...Object.fromEntries(means), updates: this.#updates, replay_size: this.#replay.size };
  }

  policyState(): Tensors {
    return unpackState(this.#packs.actor, ({ name }) => this.#update.peek(name));
  }

  getState(): Tensors {
    const read = (packs: readonly Pack[], prefix = ''): Tensors =>
      unpackState(packs, ({ name }) => this.#update.peek(`${prefix}${name}`));
    const optimised = this.#optimised();
    return {
      ...read([...optimised, ...this.#packs.targets]),
      ...nest('adam/m', read(optimised, 'm/')),
      ...nest('adam/v', read(optimised, 'v/')),
      updates: { shape: [], data: Float64Array.of(this.#updates) },
    };
  }

  #optimised(): readonly Pack[] {
    return [...this.#packs.actor, ...this.#packs.critics, ...this.#packs.temperature];
  }

  #setState(state: Tensors): void {
    const optimised = this.#optimised();
    this.#update.setState({
      ...packState([...optimised, ...this.#packs.targets], state),
      ...nest('m', packState(optimised, under('adam/m', state))),
      ...nest('v', packState(optimised, under('adam/v', state))),
    });
    this.#updates = take(state, 'updates', Float64Array).data[0] as number;
  }

  getExperience(): Tensors {
    const streams = Object.entries(this.#streams).map(([name, stream]) => nest(`rng/${name}`, stream.getState()));
    return {
      ...nest('replay', this.#replay.getState()),
      ...Object.assign({}, ...streams),
      counters: vector(Float64Array.of(this.#steps, this.#due)),
    };
  }

  setExperience(experience: Tensors): void {
    this.#replay.setState(under('replay', experience));
    for (const [name, stream] of Object.entries(this.#streams)) stream.setState(under(`rng/${name}`, experience));
    const [steps, due] = take(experience, 'counters', Float64Array).data;
    this.#steps = steps as number;
    this.#due = due as number;
  }

  async dispose(): Promise<void> {
    await this.#update.dispose();
    await this.#acting.dispose();
  }
}
