// PassiveEnvChecker: warns where the first reset and steps break the contract, and changes nothing.
// gymnasium/wrappers/common.py and utils/passive_env_checker.py, as far as types do not see to it.
// What it has looked at already is no part of a snapshot: no step depends on it.
import type { Tensors } from '../../math/tensor.ts';
import type { Env, ResetOptions, ResetResult, StepResult } from '../env.ts';
import type { Image } from '../render/image.ts';
import type { RenderOptions } from '../render/options.ts';
import type { Value } from '../spaces/space.ts';
import { wrapper } from './wrapper.ts';

export class PassiveEnvChecker implements Env {
  readonly #env: Env;
  readonly #warn: (message: string) => void;
  #checkedReset = false;
  /** Two are looked at, to see whether they share an observation. */
  #checkedSteps = 0;
  #last: { readonly call: 'reset' | 'step'; readonly observation: Value } | null = null;

  constructor(env: Env, warn: (message: string) => void) {
    this.#env = env;
    this.#warn = (message) => warn(`${env.spec.id}: ${message}`);
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
    const result = this.#env.reset(options);
    if (!this.#checkedReset) {
      this.#checkedReset = true;
      this.#checkObservation('reset', result.observation);
      this.#checkInfo('reset', result.info);
    }
    this.#remember('reset', result.observation);
    return result;
  }

  step(action: Value): StepResult {
    const result = this.#env.step(action);
    if (this.#checkedSteps === 0) {
      const { observation, reward, terminated, truncated, info } = result;
      this.#checkObservation('step', observation);
      if (typeof reward !== 'number') this.#warn(`the reward of step must be a number, not a ${typeof reward}`);
      else if (!Number.isFinite(reward)) this.#warn(`the reward of step is ${reward}`);
      for (const [name, flag] of Object.entries({ terminated, truncated })) {
        if (typeof flag !== 'boolean') this.#warn(`${name} of step must be true or false, not a ${typeof flag}`);
      }
      this.#checkInfo('step', info);
    }
    if (this.#checkedSteps < 2) this.#checkShared(result.observation);
    this.#checkedSteps = Math.min(this.#checkedSteps + 1, 2);
    this.#remember('step', result.observation);
    return result;
  }

  getState(): Tensors {
    return this.#env.getState();
  }

  setState(state: Tensors): void {
    this.#env.setState(state);
    this.#last = null;
  }

  render(options?: RenderOptions): Image {
    return this.#env.render(options);
  }

  close(): void {
    this.#env.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #checkObservation(call: 'reset' | 'step', observation: Value): void {
    if (this.observationSpace.contains(observation)) return;
    this.#warn(`the observation of ${call} is not in ${JSON.stringify(this.observationSpace.toDocument())}`);
  }

  #checkInfo(call: 'reset' | 'step', info: unknown): void {
    if (typeof info === 'object' && info !== null && !Array.isArray(info)) return;
    this.#warn(`the info of ${call} must be an object`);
  }

  /** Who keeps observations would see them change. */
  #checkShared(observation: Value): void {
    const last = this.#last;
    if (last === null || typeof last.observation === 'number' || typeof observation === 'number') return;
    if (last.observation.buffer === observation.buffer)
      this.#warn(`the observations of ${last.call} and the step after it share memory; each must be a fresh array`);
  }

  #remember(call: 'reset' | 'step', observation: Value): void {
    this.#last = this.#checkedSteps < 2 ? { call, observation } : null;
  }
}

export const passiveEnvChecker = wrapper({
  name: 'PassiveEnvChecker',
  summary: 'Warns on the server’s standard error where the first reset and steps break the contract; changes nothing.',
  kwargs: {},
  wrap: (env) => new PassiveEnvChecker(env, (message) => process.emitWarning(message, 'PassiveEnvChecker')),
});
