// What is asked for (a study), what that means on this server (a unit of it for each seed), and the digests that tell
// whether it was done already.
import type { ApiClient } from '../api-client.ts';
import { canonicalJson, sha256 } from './canonical-json.ts';
import type { Agent } from './resources.ts';

export type Values = Readonly<Record<string, unknown>>;

/** One algorithm on one environment under several seeds: an item of a plan, every default filled in. */
export interface StudyRequest {
  readonly spec: string;
  readonly env_kwargs: Values;
  /** Around the environments of training alone. */
  readonly wrappers: readonly unknown[];
  readonly algo: string;
  readonly seeds: number;
  readonly seed_from: number;
  readonly steps: number;
  /** Hyperparameters that the user gave. */
  readonly set: Values;
  readonly eval_every: number;
  readonly eval_episodes: number;
  /** Timesteps after `learning_starts` that the first job of a unit goes on, so that there are updates to compare. */
  readonly prefix_steps: number;
  /** Tells settings apart that have the same algorithm and variant. */
  readonly tag: string | null;
}

/** What decides every number of a unit. */
export interface UnitConfig {
  readonly spec_id: string;
  readonly env_kwargs: Values;
  /** Around the environments of training alone; absent where there are none. */
  readonly wrappers?: readonly unknown[];
  readonly algorithm: string;
  /** All of them, as the server resolved them. */
  readonly hyperparameters: Values;
  /** Those of them that differ from the defaults of the schema. */
  readonly changed_hyperparameters: Values;
  readonly seed: number;
  readonly steps: number;
  readonly evaluation: { readonly every_timesteps: number; readonly episodes: number; readonly seed: number };
}

export interface Unit {
  /** `HalfCheetah-v5/sac-v2-seed1`: its files, without their endings. */
  readonly name: string;
  /** The name without the seed: what is aggregated. */
  readonly group: string;
  readonly config: UnitConfig;
  readonly configHash: string;
  /** The digest without the seed: equal for all that may be aggregated. */
  readonly studyHash: string;
  /** Timesteps after which the first of the two jobs ends. */
  readonly prefixEnd: number;
}

/** The server's own default, said aloud: another default must not change what a study means. */
const EVALUATION_SEED = 1_000_003;

export function configHash(config: Omit<UnitConfig, 'seed' | 'hyperparameters'> & { readonly seed?: number }): string {
  const { spec_id, env_kwargs, wrappers, algorithm, changed_hyperparameters, seed, steps, evaluation } = config;
  const environment = { spec_id, env_kwargs, wrappers };
  return sha256(canonicalJson({ ...environment, algorithm, changed_hyperparameters, seed, steps, evaluation }));
}

/** The units of a study. Throws what the API says to an unknown spec, algorithm or hyperparameter. */
export async function resolveStudy(api: ApiClient, request: StudyRequest): Promise<Unit[]> {
  const { hyperparameters_schema: schema } = await api.get<{
    hyperparameters_schema: { properties?: Record<string, { default?: unknown }> };
  }>(`/v1/algorithms/${encodeURIComponent(request.algo)}`);
  const hyperparameters = await resolveHyperparameters(api, request);
  const changed = Object.entries(hyperparameters).filter(
    ([name, value]) => canonicalJson(value) !== canonicalJson(schema.properties?.[name]?.default),
  );
  const shared = {
    spec_id: request.spec,
    env_kwargs: request.env_kwargs,
    ...(request.wrappers.length > 0 && { wrappers: request.wrappers }),
    algorithm: request.algo,
    changed_hyperparameters: Object.fromEntries(changed),
    steps: request.steps,
    evaluation: { every_timesteps: request.eval_every, episodes: request.eval_episodes, seed: EVALUATION_SEED },
  };
  const group = groupName(request, hyperparameters);
  return Array.from({ length: request.seeds }, (_, index) => {
    const config = { ...shared, hyperparameters, seed: request.seed_from + index };
    return {
      name: `${group}-seed${config.seed}`,
      group,
      config,
      configHash: configHash(config),
      studyHash: configHash(shared),
      prefixEnd: Math.min(request.steps, Number(hyperparameters['learning_starts'] ?? 0) + request.prefix_steps),
    };
  });
}

/** Defaults may depend on the environment, and only an agent shows what they come to: one is made and deleted. */
async function resolveHyperparameters(api: ApiClient, request: StudyRequest): Promise<Values> {
  const agent = await api.post<Agent>('/v1/agents', {
    algorithm: request.algo,
    spec_id: request.spec,
    env_kwargs: request.env_kwargs,
    hyperparameters: request.set,
    labels: { 'study.probe': 'true' },
    seed: 0,
  });
  await api.delete(`/v1/agents/${agent.id}`);
  return agent.hyperparameters;
}

function groupName({ spec, algo, tag }: StudyRequest, hyperparameters: Values): string {
  const { variant } = hyperparameters;
  return `${spec}/${[algo, ...(typeof variant === 'string' ? [variant] : []), ...(tag === null ? [] : [tag])].join('-')}`;
}
