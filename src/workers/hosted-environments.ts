// The environments of one worker thread, and what is asked of them. Requests come one after the other.
import { randomInt } from 'node:crypto';
import { examineEnv } from '../envs/check-env.ts';
import type { Env } from '../envs/env.ts';
import { type MakeOptions, make } from '../envs/registry.ts';
import { encodePng } from '../envs/render/png.ts';
import { restoring } from '../envs/snapshot.ts';
import type { Value } from '../envs/spaces/space.ts';
import { Batches, sampleBatch } from '../envs/vector/batch.ts';
import { examineVectorEnv } from '../envs/vector/check-vector-env.ts';
import type { SubEnvironments } from '../envs/vector/sub-environments.ts';
import { makeSubEnvironments, VectorEnv } from '../envs/vector/vector-env.ts';
import { findWrapper } from '../envs/wrappers/wrapper-registry.ts';
import { DomainError } from '../errors.ts';
import { Pcg64 } from '../math/pcg64.ts';
import { elementOf, tensorOf } from './element-tensor.ts';
import type { PolicyCache } from './policy-cache.ts';
import type { EnvironmentPlan, EnvironmentReplies, EnvironmentRequest, MadeEnvironment } from './protocol.ts';
import { owned, rollOut } from './rollout.ts';
import {
  decodeWorkerState,
  encodeWorkerState,
  readSnapshot,
  type WorkerState,
  writeSnapshot,
} from './snapshot-file.ts';

type HostedRequest = Exclude<
  EnvironmentRequest['type'],
  | 'initializeAgent'
  | 'act'
  | 'checkWrappers'
  | 'storeTransitions'
  | 'importCheckpoint'
  | 'verifyCheckpoint'
  | 'exportPolicy'
>;
type Handlers<T extends EnvironmentRequest['type']> = {
  readonly [K in T]: (request: Extract<EnvironmentRequest, { type: K }>) => Promise<EnvironmentReplies[K]>;
};

interface Hosted {
  readonly env: Env;
  readonly sampler: Pcg64;
  /** What the next action is chosen on; null before the first reset. */
  observation: Value | null;
}

/** This worker's part of a vector environment. */
interface Block {
  readonly envs: SubEnvironments;
  readonly sampler: Pcg64;
}

/** `policies` act in rollouts. */
export function hostedEnvironments(policies: PolicyCache): Handlers<HostedRequest> {
  const hosted = new Map<string, Hosted>();
  const blocks = new Map<string, Block>();

  const find = (id: string): Hosted => {
    const found = hosted.get(id);
    if (found === undefined) throw new DomainError('environment_not_found', `Environment ${id} does not exist here.`);
    return found;
  };
  const findBlock = (id: string): Block => {
    const found = blocks.get(id);
    if (found === undefined) throw new DomainError('environment_not_found', `Environment ${id} has no block here.`);
    return found;
  };

  return {
    async create(plan) {
      const env = await make(plan.specId, makeOptionsOf(plan));
      hosted.set(plan.id, { env, sampler: samplerOf(plan), observation: null });
      return described(env);
    },

    async reset({ id, seed, options }) {
      const host = find(id);
      const { observation, info } = host.env.reset({ ...(seed !== null && { seed }), options });
      host.observation = observation;
      return { observation: owned(observation), info };
    },

    async step({ id, action }) {
      const host = find(id);
      const { env } = host;
      const { observation, ...outcome } = env.step(env.actionSpace.parse(action, 'action'));
      host.observation = observation;
      return { ...outcome, observation: owned(observation) };
    },

    async rollout({ id, steps, actions, policy, begin, position, withInfos, pictures }) {
      const host = find(id);
      const { env, sampler } = host;
      const given = actions?.map((action, t) => env.actionSpace.parse(action, 'action', `s[${t}]`));
      const actor = policy && (await policies.actor(policy, policy.deterministic ? null : sampler));
      if (policy !== null && actor === null) return { lacking: true };
      const before = stateOf(host);
      try {
        const begun = begin === null ? null : env.reset(begin.seed === null ? {} : { seed: begin.seed });
        const start = begun?.observation ?? host.observation;
        // Of a snapshot that somebody made up.
        if (start === null)
          throw new DomainError('reset_required', 'There is no observation to go on from; call reset.');
        const act = (t: number, observation: Value) =>
          given?.[t] ?? actor?.(observation) ?? env.actionSpace.sample(sampler);
        const rollout = await rollOut({ env, steps, start, position, act, withInfos, pictures });
        host.observation = rollout.last;
        const { columns, animation } = rollout;
        // Only one of the two is sent: both are large.
        const result = animation === null ? { columns } : { animation };
        return { ...result, position: rollout.position, resetInfo: begun?.info ?? null };
      } catch (error) {
        // A rollout is done whole or not at all.
        putBack(host, before);
        throw error;
      }
    },

    async sampleAction({ id }) {
      const { env, sampler } = find(id);
      return owned(env.actionSpace.sample(sampler));
    },

    async render({ id, index, options }) {
      const env = blocks.get(id)?.envs.at(index) ?? find(id).env;
      // A copy: what crosses threads takes its whole buffer along, which Node shares among small ones.
      return new Uint8Array(encodePng(env.render(options)));
    },

    async renderText({ id, index }) {
      const env = blocks.get(id)?.envs.at(index) ?? find(id).env;
      // The smallest picture there is: only its text is wanted.
      const { text } = env.render({ width: 16, height: 16 });
      if (text === undefined) throw new DomainError('not_acceptable', `${env.spec.id} has no text; ask for image/png.`);
      return text;
    },

    async createBlock({ count, autoresetMode, ...plan }) {
      const envs = await makeSubEnvironments(plan.specId, count, autoresetMode, makeOptionsOf(plan));
      blocks.set(plan.id, { envs, sampler: samplerOf(plan) });
      return described(envs.first);
    },

    async resetBlock({ id, seeds, options, mask }) {
      return findBlock(id).envs.reset({ seeds, options, mask });
    },

    async stepBlock({ id, actions }) {
      return findBlock(id).envs.step(actions);
    },

    async sampleActions({ id, count }) {
      const { envs, sampler } = findBlock(id);
      const space = envs.actionSpace.toDocument();
      return new Batches(space).parse(sampleBatch(space, count, sampler), count);
    },

    async getState({ id }) {
      return encodeWorkerState(stateOf(blocks.get(id) ?? find(id)));
    },

    async setState({ id, state }) {
      const block = blocks.get(id);
      putBack(block ?? find(id), decodeWorkerState(state));
      return block === undefined ? null : { fresh: block.envs.fresh, ended: block.envs.ended };
    },

    async writeSnapshot({ document, states, counts }) {
      return writeSnapshot(document, states, counts);
    },

    async readSnapshot({ file, identity, counts }) {
      return readSnapshot(file, identity, counts);
    },

    async check({ seed, steps, vector, ...plan }) {
      const options = makeOptionsOf(plan);
      const open = () => make(plan.specId, options);
      const statistics = plan.wrappers.filter(({ name }) => findWrapper(name).outlivesResets).map(({ name }) => name);
      const remembers =
        statistics.length === 0
          ? null
          : `the statistics of ${statistics.join(' and ')} outlive resets, as Gymnasium's do`;
      const findings = await examineEnv(open, { seed, steps, remembers });
      if (vector === null) return findings;
      const openVector = () => VectorEnv.make(plan.specId, { ...options, ...vector });
      return [...findings, ...(await examineVectorEnv(openVector, open, { seed, steps }))];
    },

    async close({ id }) {
      hosted.get(id)?.env.close();
      hosted.delete(id);
      blocks.get(id)?.envs.close();
      blocks.delete(id);
      return null;
    },
  };
}

function stateOf(host: Hosted | Block): WorkerState {
  const sampler = host.sampler.getState();
  if ('envs' in host) return { env: host.envs.getState(), sampler, observation: null };
  const { env, observation } = host;
  return { env: env.getState(), sampler, observation: observation === null ? null : tensorOf(observation) };
}

/** Throws `checkpoint_incompatible` for a state of anything else; then it stands somewhere in between. */
function putBack(host: Hosted | Block, { env: state, sampler, observation }: WorkerState): void {
  const env = 'envs' in host ? host.envs : host.env;
  const { id } = ('envs' in host ? host.envs.first : host.env).spec;
  restoring(id, () => {
    const known = new Set(Object.keys(env.getState()));
    const stray = Object.keys(state).find((name) => !known.has(name));
    if (stray !== undefined) throw new RangeError(`There is no place for the tensor "env/${stray.slice(0, 60)}".`);
    const element = observation === null ? null : elementOf(env.observationSpace, observation);
    const generator = Pcg64.fromState(sampler);
    env.setState(state);
    host.sampler.setState(generator.getState());
    if (!('envs' in host)) host.observation = element;
  });
}

function makeOptionsOf({ kwargs, wrappers, maxEpisodeSteps }: Omit<EnvironmentPlan, 'id' | 'seed'>): MakeOptions {
  return { kwargs, wrappers, ...(maxEpisodeSteps !== null && { maxEpisodeSteps }) };
}

function samplerOf({ seed }: EnvironmentPlan): Pcg64 {
  return Pcg64.fromSeed(seed ?? randomInt(2 ** 47));
}

function described(env: Env): MadeEnvironment {
  return {
    observationSpace: env.observationSpace.toDocument(),
    actionSpace: env.actionSpace.toDocument(),
    maxEpisodeSteps: env.spec.maxEpisodeSteps,
  };
}
