// SAC when it only acts: the traced policy, compiled once for each batch size that is asked for (rounded up to a power of two).
import type * as tf from '@tensorflow/tfjs-core';
import type { Engine, Program } from '../../../compute/engine.ts';
import type { Graph } from '../../../compute/graph.ts';
import { type Shapes, trace } from '../../../compute/trace/trace.ts';
import type { Pcg64 } from '../../../math/pcg64.ts';
import type { Tensors } from '../../../math/tensor.ts';
import type { BoxSpaces, Policy, PolicySetup } from '../../algorithm.ts';
import { type Pack, packState, unpackTensors } from '../../nn/packing.ts';
import { squashedAction } from '../../nn/squashed-gaussian.ts';
import { type Architecture, policyHead, policyPacks, policyView, settingsOf } from './networks.ts';

/** a = tanh(μ + σ·ε) for `batch` observations; noise of zeros gives the mean action. State: `policyPacks`. */
export function policyProgram(architecture: Architecture, batch: number): Graph {
  const packs = policyPacks(architecture);
  return trace(
    (variables, { observation, noise }) => {
      const parameters = unpackTensors(packs, ({ name }) => variables[name] as tf.Variable);
      const seen = policyView(architecture, parameters, observation);
      return { action: squashedAction(policyHead(architecture, parameters, seen), noise) };
    },
    {
      state: Object.fromEntries(packs.map(({ name, shape }) => [name, shape])) as Shapes,
      inputs: { observation: [batch, architecture.observation], noise: [batch, architecture.action] },
    },
  );
}

/** More observations than this go through in several calls: an action costs 1.3 µs in a batch of 256, 1.2 µs in one of 1,024. */
const LARGEST_BATCH = 256;

export async function createSacPolicy({
  hyperparameters,
  spaces,
  engine,
  state,
}: PolicySetup<BoxSpaces>): Promise<Policy> {
  const policy = new SacPolicy(engine, settingsOf(hyperparameters, spaces).architecture, state);
  await policy.prepare(1);
  return policy;
}

type ActingProgram = Program & {
  readonly inputs: Readonly<Record<'observation' | 'noise', Float32Array>>;
  readonly outputs: Readonly<Record<'action', Float32Array>>;
};

class SacPolicy implements Policy {
  readonly #engine: Engine;
  readonly #architecture: Architecture;
  readonly #packs: readonly Pack[];
  readonly #programs = new Map<number, ActingProgram>();
  #state: Tensors;

  constructor(engine: Engine, architecture: Architecture, state: Tensors) {
    this.#engine = engine;
    this.#architecture = architecture;
    this.#packs = policyPacks(architecture);
    this.#state = packState(this.#packs, state);
  }

  /** The program for batches of `size`, compiled on first use. */
  async prepare(size: number): Promise<ActingProgram> {
    const known = this.#programs.get(size);
    if (known !== undefined) return known;
    const graph = policyProgram(this.#architecture, size);
    const program = (await this.#engine.compile(graph, { threads: 1, acts: true })) as ActingProgram;
    program.setState(this.#state);
    this.#programs.set(size, program);
    return program;
  }

  async act(
    observations: Float32Array | Float64Array,
    options: { readonly deterministic: true } | { readonly deterministic: false; readonly rng: Pcg64 },
  ): Promise<Float32Array> {
    const { observation, action } = this.#architecture;
    const count = observations.length / observation;
    if (!Number.isInteger(count))
      throw new RangeError(`${observations.length} numbers are not observations of ${observation}.`);
    const actions = new Float32Array(count * action);
    for (let first = 0; first < count; first += LARGEST_BATCH) {
      const rows = Math.min(LARGEST_BATCH, count - first);
      const program = await this.prepare(2 ** Math.ceil(Math.log2(rows)));
      const { inputs, outputs } = program;
      inputs.observation.set(observations.subarray(first * observation, (first + rows) * observation));
      inputs.observation.fill(0, rows * observation);
      // Only the rows asked for draw noise, so how a batch is cut does not change what is drawn.
      inputs.noise.fill(0);
      if (!options.deterministic) options.rng.fillNormal(inputs.noise.subarray(0, rows * action));
      await program.run();
      actions.set(outputs.action.subarray(0, rows * action), first * action);
    }
    return actions;
  }

  setState(state: Tensors): void {
    this.#state = packState(this.#packs, state);
    for (const program of this.#programs.values()) program.setState(this.#state);
  }

  async dispose(): Promise<void> {
    await Promise.all([...this.#programs.values()].map((program) => program.dispose()));
    this.#programs.clear();
  }
}
