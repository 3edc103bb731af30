// Refuses calls out of order: step before reset, step after the episode's end, anything after close.
//
// Gymnasium's OrderEnforcing refuses only the first; a step past the end there warns or gives undefined results. Over a
// network the caller of `step` need not be the one who saw the end, so here it is refused too. To see truncations this
// wrapper stands around TimeLimit, where Gymnasium has it inside; otherwise the order cannot be told apart.
import { DomainError } from '../../errors.ts';
import { nest, type Tensors, takeVector, under, vector } from '../../math/tensor.ts';
import type { Env, ResetOptions, ResetResult, StepResult } from '../env.ts';
import type { Image } from '../render/image.ts';
import type { RenderOptions } from '../render/options.ts';
import { restoring } from '../snapshot.ts';
import type { Value } from '../spaces/space.ts';

const PHASES = ['fresh', 'running', 'ended'] as const;
type Phase = (typeof PHASES)[number];

export class OrderEnforcing implements Env {
  readonly #env: Env;
  #phase: Phase = 'fresh';
  #closed = false;

  constructor(env: Env) {
    this.#env = env;
  }

  get spec() {
    return this.#env.spec;
  }

  get observationSpace() {
    return this.#env.observationSpace;
  }

  get actionSpace() {
    return this.#env.actionSpace;
  }

  reset(options?: ResetOptions): ResetResult {
    this.#refuseClosed();
    const result = this.#env.reset(options);
    this.#phase = 'running';
    return result;
  }

  /** Throws `reset_required` before the first reset and after the end of an episode. */
  step(action: Value): StepResult {
    this.#refuseClosed();
    if (this.#phase !== 'running') {
      const why = this.#phase === 'fresh' ? 'has not been reset yet' : 'finished its episode';
      throw new DomainError('reset_required', `The ${this.spec.id} environment ${why}; call reset before step.`);
    }
    const result = this.#env.step(action);
    if (result.terminated || result.truncated) this.#phase = 'ended';
    return result;
  }

  getState(): Tensors {
    this.#refuseClosed();
    return { ...nest('env', this.#env.getState()), phase: vector(Uint8Array.of(PHASES.indexOf(this.#phase))) };
  }

  /** Throws `checkpoint_incompatible` where `state` is not a snapshot of such an environment. */
  setState(state: Tensors): void {
    this.#refuseClosed();
    restoring(this.spec.id, () => {
      const [index] = takeVector(state, 'phase', Uint8Array, 1);
      const phase = PHASES[index as number];
      if (phase === undefined) throw new RangeError(`phase is ${index}, not 0, 1 or 2.`);
      this.#env.setState(under('env', state));
      this.#phase = phase;
    });
  }

  /** Throws `reset_required` before the first reset. The end of an episode can be looked at. */
  render(options?: RenderOptions): Image {
    this.#refuseClosed();
    if (this.#phase === 'fresh') {
      throw new DomainError(
        'reset_required',
        `The ${this.spec.id} environment has not been reset yet; call reset before render.`,
      );
    }
    return this.#env.render(options);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#env.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #refuseClosed(): void {
    if (this.#closed)
      throw new DomainError('environment_gone', `The ${this.spec.id} environment is closed; create a new one.`);
  }
}
