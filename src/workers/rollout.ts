// T steps of one environment in one call. Knows environments and actions, not agents, threads or the API.
import type { Env, Info } from '../envs/env.ts';
import type { Image } from '../envs/render/image.ts';
import type { RenderOptions } from '../envs/render/options.ts';
import { Animation } from '../envs/render/png.ts';
import { show } from '../envs/spaces/json-tensor.ts';
import type { Value } from '../envs/spaces/space.ts';
import { type Batch, Batches } from '../envs/vector/batch.ts';
import { DomainError } from '../errors.ts';

/** How an episode ended, in the rollout. */
export interface EpisodeEnd {
  /** Index of its last step among the rollout's, from 0. */
  readonly step: number;
  readonly terminated: boolean;
  readonly truncated: boolean;
  /** Its steps and the sum of its rewards, those before the rollout counted. */
  readonly episodeStep: number;
  readonly episodeReturn: number;
  /** What its last step led to, which `observations` does not have: there stands the next episode's first. */
  readonly finalObservation: Value;
  readonly finalInfo: Info;
  /** Of the reset that began the next episode. */
  readonly resetInfo: Info;
}

/** T steps, by column. */
export interface RolloutColumns {
  /** [T + 1]: the one that each action was chosen on, and the one after the last step. */
  readonly observations: Batch;
  /** [T], as all that follow. */
  readonly actions: Batch;
  readonly rewards: readonly number[];
  readonly terminated: readonly boolean[];
  readonly truncated: readonly boolean[];
  /** Null where they were not asked for. */
  readonly infos: readonly Info[] | null;
  readonly episodeEnds: readonly EpisodeEnd[];
}

export interface RolloutPictures {
  /** Every so many steps, from the start on, one. */
  readonly every: number;
  readonly framesPerSecond: number;
  readonly options: RenderOptions;
}

/** Where the episode stands that goes on. */
export interface RolloutPosition {
  readonly episodeStep: number;
  readonly episodeReturn: number;
}

export interface RolloutPlan {
  readonly env: Env;
  readonly steps: number;
  /** The observation that the first action is chosen on. */
  readonly start: Value;
  readonly position: RolloutPosition;
  /** The action of step t on this observation. */
  readonly act: (t: number, observation: Value) => Value | Promise<Value>;
  readonly withInfos: boolean;
  /** Null for none. */
  readonly pictures: RolloutPictures | null;
}

export interface Rollout {
  readonly columns: RolloutColumns;
  /** An animated PNG; null where none was asked for. */
  readonly animation: Uint8Array | null;
  readonly position: RolloutPosition;
  /** What the next action is chosen on. */
  readonly last: Value;
}

/** All pictures of one animation: some seconds of drawing. */
const MAX_PIXELS = 150_000_000;

/** Throws `invalid_request` where there would be too much to draw, told from the first picture. */
function requireDrawable({ width, height }: Image, count: number): void {
  if (width * height * count <= MAX_PIXELS) return;
  throw new DomainError(
    'invalid_request',
    `The animation would have ${count} pictures of ${width} × ${height}, ${width * height * count} pixels; at most ${MAX_PIXELS} are drawn. Make them smaller, raise "every", or roll out fewer steps.`,
  );
}

/** Throws `non_finite`: no environment takes such an action, and clients may not send one either. */
function requireFinite(action: Value, t: number): void {
  if (typeof action === 'number' || action.every(Number.isFinite)) return;
  throw new DomainError(
    'non_finite',
    `The action of step ${t} is ${show(Array.from(action, String))}, which is not finite; nothing was stepped. Train the agent anew, or reset the environment where its observation diverged.`,
  );
}

/** Steps, and resets where an episode ends. What `env`, `act` or a picture throws is thrown on; `env` then stands where it stands. */
export async function rollOut(plan: RolloutPlan): Promise<Rollout> {
  const { env, steps, pictures } = plan;
  const animation = pictures && new Animation({ framesPerSecond: pictures.framesPerSecond });
  const look = (t: number) => {
    if (pictures === null || t % pictures.every !== 0) return;
    const image = env.render(pictures.options);
    if (t === 0) requireDrawable(image, Math.floor(steps / pictures.every) + 1);
    animation?.add(image);
  };
  const observed = new Batches(env.observationSpace.toDocument());
  const acted = new Batches(env.actionSpace.toDocument());

  let observation = plan.start;
  let { episodeStep, episodeReturn } = plan.position;
  const [observations, actions] = [observed.empty(steps + 1), acted.empty(steps)];
  observed.write(observations, 0, observation);
  const rewards: number[] = [];
  const [terminated, truncated]: [boolean[], boolean[]] = [[], []];
  const infos: Info[] = [];
  const episodeEnds: EpisodeEnd[] = [];
  look(0);
  for (let t = 0; t < steps; t++) {
    const action = await plan.act(t, observation);
    requireFinite(action, t);
    acted.write(actions, t, action);
    const result = env.step(action);
    rewards.push(result.reward);
    terminated.push(result.terminated);
    truncated.push(result.truncated);
    if (plan.withInfos) infos.push(result.info);
    observation = result.observation;
    episodeStep += 1;
    episodeReturn += result.reward;
    // Before the reset: the end of an episode can be looked at.
    look(t + 1);
    if (result.terminated || result.truncated) {
      const begun = env.reset();
      episodeEnds.push({
        step: t,
        terminated: result.terminated,
        truncated: result.truncated,
        episodeStep,
        episodeReturn,
        finalObservation: owned(observation),
        finalInfo: result.info,
        resetInfo: begun.info,
      });
      observation = begun.observation;
      [episodeStep, episodeReturn] = [0, 0];
    }
    observed.write(observations, t + 1, observation);
  }
  return {
    columns: {
      observations,
      actions,
      rewards,
      terminated,
      truncated,
      infos: plan.withInfos ? infos : null,
      episodeEnds,
    },
    animation: animation && new Uint8Array(animation.encode()),
    position: { episodeStep, episodeReturn },
    last: observation,
  };
}

/** A copy: what crosses threads takes its whole buffer along, which may be more than the observation. */
export function owned(element: Value): Value {
  return typeof element === 'number' ? element : element.slice();
}
