// What all tabular environments share, as those of gymnasium/envs/toy_text do: a table of transitions with their
// probabilities, and one uniform number drawn for each. What sets one apart is its `TabularTask`.
import { DomainError } from '../../errors.ts';
import { runningSums } from '../../math/draws.ts';
import { Pcg64 } from '../../math/pcg64.ts';
import { nest, type Tensors, takeVector, under, vector } from '../../math/tensor.ts';
import { discreteAction } from '../discrete-action.ts';
import type { Env, EnvSpec, Info, ResetOptions, ResetResult, StepResult } from '../env.ts';
import { type Drawing, drawn } from '../render/drawing.ts';
import type { Image } from '../render/image.ts';
import type { RenderOptions } from '../render/options.ts';
import { numericOptions } from '../reset-options.ts';
import { reseeded } from '../seeding.ts';
import type { Discrete } from '../spaces/discrete.ts';
import type { Value } from '../spaces/space.ts';
import type { ModelledEnv, TabularModel, Transition, Transitions } from '../tabular-model.ts';

export interface TabularTask {
  readonly spec: EnvSpec;
  readonly observationSpace: Discrete;
  readonly actionSpace: Discrete;
  readonly transitions: Transitions;
  /** Probability of each state to be the first. */
  readonly start: readonly number[];
  /** How a state looks. */
  readonly drawing: Drawing<number>;
  /** The same as text, Gymnasium's `ansi`; the last action of the episode is null before its first step. */
  readonly textOf: (state: number, lastAction: number | null) => string;
  /** What info holds besides `prob`. */
  readonly infoOf?: (state: number) => Info;
  /** A change of mind at most once an episode, beyond what the table says. */
  readonly whim?: {
    /** Whether it is to come, drawn after the start. */
    draw(rng: Pcg64): boolean;
    /** The state instead of `next`; undefined where the time for it has not come. */
    change(state: number, next: number, rng: Pcg64): number | undefined;
  };
  /** What environments made alike do that no table says, and the remedy; absent where there is nothing. */
  readonly beyondTable?: string;
  /** What a snapshot must agree in, where the keyword arguments do not settle it. */
  readonly identity?: Uint8Array;
}

/**
 * The first index whose running sum of probabilities exceeds a uniform draw. Where rounding leaves the last sum below the
 * draw it is 0, as numpy's argmax has it.
 */
function categoricalSample(sums: readonly number[], rng: Pcg64): number {
  const u = rng.random();
  return Math.max(
    sums.findIndex((sum) => sum > u),
    0,
  );
}

export class TabularEnv implements Env, ModelledEnv {
  readonly #task: TabularTask;
  readonly #startSums: readonly number[];
  #rng = Pcg64.fromEntropy();
  #state = 0;
  /** Whether the change of mind is still to come. */
  #whim = false;
  /** Only text shows it. */
  #lastAction: number | null = null;

  constructor(task: TabularTask) {
    this.#task = task;
    this.#startSums = runningSums(task.start);
  }

  get spec() {
    return this.#task.spec;
  }

  get observationSpace() {
    return this.#task.observationSpace;
  }

  get actionSpace() {
    return this.#task.actionSpace;
  }

  get model(): TabularModel {
    const { spec, observationSpace, actionSpace, transitions, start, beyondTable } = this.#task;
    if (beyondTable !== undefined)
      throw new DomainError('invalid_kwargs', `${spec.id} has no table to plan on here: ${beyondTable}`);
    return { states: observationSpace.n, actions: actionSpace.n, transitions, start };
  }

  reset({ seed, options }: ResetOptions = {}): ResetResult {
    numericOptions(this.spec.id, options, {});
    this.#rng = reseeded(this.#rng, seed);
    this.#state = categoricalSample(this.#startSums, this.#rng);
    this.#whim = this.#task.whim?.draw(this.#rng) ?? false;
    this.#lastAction = null;
    return { observation: this.#state, info: this.#info(1) };
  }

  step(action: Value): StepResult {
    const { spec, actionSpace, transitions, whim } = this.#task;
    const taken = discreteAction(spec.id, actionSpace, action);
    const outcomes = transitions[this.#state]?.[taken] as readonly Transition[];
    const chosen = categoricalSample(runningSums(outcomes.map(([p]) => p)), this.#rng);
    const [probability, next, reward, terminated] = outcomes[chosen] as Transition;
    const changed = this.#whim ? whim?.change(this.#state, next, this.#rng) : undefined;
    if (changed !== undefined) this.#whim = false;
    this.#state = changed ?? next;
    this.#lastAction = taken;
    return { observation: this.#state, reward, terminated, truncated: false, info: this.#info(probability) };
  }

  getState(): Tensors {
    const { identity } = this.#task;
    return {
      ...nest('rng', this.#rng.getState()),
      state: vector(Int32Array.of(this.#state)),
      whim: vector(Uint8Array.of(this.#whim ? 1 : 0)),
      // −1: none yet.
      last_action: vector(Int32Array.of(this.#lastAction ?? -1)),
      ...(identity && { identity: vector(identity.slice()) }),
    };
  }

  setState(state: Tensors): void {
    const { identity, observationSpace, actionSpace } = this.#task;
    const [restored] = takeVector(state, 'state', Int32Array, 1);
    const [whim] = takeVector(state, 'whim', Uint8Array, 1) as unknown as [number];
    const [lastAction] = takeVector(state, 'last_action', Int32Array, 1) as unknown as [number];
    if (whim > 1) throw new RangeError(`whim is ${whim}, neither 0 nor 1.`);
    if (lastAction !== -1 && !actionSpace.contains(lastAction))
      throw new RangeError(`There is no action ${lastAction}.`);
    if (!observationSpace.contains(restored)) throw new RangeError(`There is no state ${restored}.`);
    if (identity && takeVector(state, 'identity', Uint8Array, identity.length).some((x, i) => x !== identity[i])) {
      throw new RangeError('It was taken of another map.');
    }
    this.#rng = Pcg64.fromState(under('rng', state));
    this.#state = restored;
    this.#whim = whim === 1;
    this.#lastAction = lastAction === -1 ? null : lastAction;
  }

  render(options?: RenderOptions): Image {
    const { drawing, textOf } = this.#task;
    return { ...drawn(this.spec.id, drawing, this.#state, options), text: textOf(this.#state, this.#lastAction) };
  }

  close(): void {}

  [Symbol.dispose](): void {}

  #info(prob: number): Info {
    return { prob, ...this.#task.infoOf?.(this.#state) };
  }
}
