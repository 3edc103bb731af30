// Rollouts of live environments: what a client may ask, and what it makes of the counters.
import { isDeepStrictEqual } from 'node:util';
import { batchTensor, elementTensor } from '../envs/spaces/tensor-data.ts';
import { DomainError } from '../errors.ts';
import type { EnvironmentPool } from '../workers/environment-pool.ts';
import type { EnvironmentReplies, PolicySource, RolloutRequest as WorkerRequest } from '../workers/protocol.ts';
import { assertObservationsFit } from './answer-size.ts';
import type { LiveRecord, RolloutAnimation, RolloutReply, RolloutRequest } from './environment-record.ts';
import { type Live, repeatedAnswer, workerOf } from './live-environments.ts';

/** What an agent acts with now. */
export interface ActingPolicy {
  readonly agentId: string;
  /** Changes whenever the parameters do. */
  readonly version: string;
  /** Timesteps the policy has learnt from. */
  readonly policyStep: number;
  readonly source: PolicySource;
  /** Told that it could not be read; whether the agent has another one now. */
  fallsBack(error: unknown): boolean;
}

type Done = Exclude<EnvironmentReplies['rollout'], { lacking: true }>;

/** Whole or not at all. Throws `invalid_request`, `agent_not_found`, `unsupported_space`, `action_out_of_space` and `non_finite`. */
export async function rollOutIn(
  pool: EnvironmentPool,
  live: Live,
  request: RolloutRequest,
  policyOf: (agentId: string) => ActingPolicy,
): Promise<RolloutReply | RolloutAnimation> {
  const { record } = live;
  const { actions, agentId, pictures } = request;
  const kind = pictures === null ? 'rollout' : 'animation';
  const steps = stepsOf(record, request);
  if (pictures === null) assertObservationsFit(steps, 'steps', record.observationSpace);
  const repeated = repeatedAnswer(live, request.seq, kind);
  if (repeated !== null) return repeated;

  const { acting, done } = await askWithPolicy(pool, live, agentId === null ? null : () => policyOf(agentId), {
    steps,
    actions,
    deterministic: request.deterministic,
    begin: record.needsReset ? { seed: live.nextSeed } : null,
    position: { episodeStep: record.episodeStep ?? 0, episodeReturn: record.episodeReturn ?? 0 },
    withInfos: request.withInfos,
    pictures,
  });
  const position = { ...done.position, seq: record.seq + 1 };
  // What ended was reset at once.
  live.record = { ...live.record, ...position, needsReset: false };
  live.nextSeed = null;
  if ('animation' in done) {
    const reply = { animation: done.animation };
    live.answers.add(position.seq, 'animation', reply);
    return reply;
  }
  const { columns, resetInfo } = done;
  const { observationSpace, actionSpace } = record;
  const reply = {
    ...columns,
    observations: batchTensor(observationSpace, steps + 1, columns.observations),
    actions: batchTensor(actionSpace, steps, columns.actions),
    episodeEnds: columns.episodeEnds.map((end) => ({
      ...end,
      finalObservation: elementTensor(observationSpace, end.finalObservation),
    })),
    ...position,
    steps,
    resetInfo,
    policyStep: acting?.policyStep ?? null,
  };
  live.answers.add(position.seq, 'rollout', reply);
  return reply;
}

type Wanted = Omit<WorkerRequest, 'policy'> & { readonly deterministic: boolean };

/** Until the files of the policy that acts are what they were. */
async function askWithPolicy(
  pool: EnvironmentPool,
  live: Live,
  policyOf: (() => ActingPolicy) | null,
  { deterministic, ...wanted }: Wanted,
): Promise<{ readonly acting: ActingPolicy | null; readonly done: Done }> {
  for (;;) {
    const acting = policyOf?.() ?? null;
    if (acting !== null) requireSameSpaces(live.record, acting);
    const policy = acting && { agentId: acting.agentId, version: acting.version, policy: null, deterministic };
    try {
      return { acting, done: await ask(pool, live, acting, { ...wanted, policy }) };
    } catch (error) {
      if (!acting?.fallsBack(error)) throw error;
    }
  }
}

/** Sends the policy along where the worker lacks it. */
async function ask(
  pool: EnvironmentPool,
  live: Live,
  acting: ActingPolicy | null,
  request: WorkerRequest,
): Promise<Done> {
  const { id } = live.record;
  // Where it begins with a reset, the counters begin with it.
  const position = request.begin === null ? request.position : { episodeStep: 0, episodeReturn: 0 };
  const wanted = { type: 'rollout', id, ...request, position } as const;
  const reply = await pool.ask(workerOf(live), wanted);
  if (!('lacking' in reply)) return reply;
  if (acting === null || wanted.policy === null) throw new Error('A worker lacks a policy that it was not asked for.');
  const policy = { ...wanted.policy, policy: acting.source };
  const second = await pool.ask(workerOf(live), { ...wanted, policy });
  if ('lacking' in second) throw new Error(`A worker lacks the policy ${acting.version} that it was just sent.`);
  return second;
}

/** Throws `invalid_request` for what does not fit together. */
function stepsOf({ id, vector }: LiveRecord, { steps, actions, agentId }: RolloutRequest): number {
  const refuse = (detail: string) => new DomainError('invalid_request', detail);
  if (vector !== null) {
    throw refuse(
      `Environment ${id} has ${vector.numEnvs} sub-environments, and rollouts are of single ones; step it, or create one without num_envs.`,
    );
  }
  if (actions !== null && agentId !== null)
    throw refuse('There are both "actions" and "agent_id"; leave one of them out.');
  if (actions !== null && steps !== null && actions.length !== steps)
    throw refuse(`There are ${actions.length} actions for ${steps} steps; send as many, or leave "steps" out.`);
  const count = steps ?? actions?.length;
  if (count === undefined) throw refuse('There are neither "steps" nor "actions"; send one of them.');
  return count;
}

/** Throws `unsupported_space`: an agent trained without a wrapper may see or do something else inside of it. */
function requireSameSpaces(record: LiveRecord, { agentId, source }: ActingPolicy): void {
  for (const space of ['observationSpace', 'actionSpace'] as const) {
    if (isDeepStrictEqual(record[space], source[space])) continue;
    const name = space === 'actionSpace' ? 'action_space' : 'observation_space';
    throw new DomainError(
      'unsupported_space',
      `The ${name} of agent ${agentId} is ${shown(source[space])} and that of environment ${record.id} is ${shown(record[space])}; use an agent that was made for such an environment.`,
    );
  }
}

function shown(space: object): string {
  const text = JSON.stringify(space);
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
