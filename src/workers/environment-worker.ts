// A thread that hosts environments and acts for agents. Answers requests in the order in which they come.
import { createHash, randomInt } from 'node:crypto';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { findAlgorithm } from '../agent/algorithm-registry.ts';
import { encodeCheckpoint, FORMAT_VERSION } from '../agent/checkpoint.ts';
import { policyModel } from '../agent/policy-model.ts';
import { Engines } from '../compute/engines.ts';
import type { Env } from '../envs/env.ts';
import { findSpec, type MakeOptions, make } from '../envs/registry.ts';
import { encodePng } from '../envs/render/png.ts';
import { sampleBatch } from '../envs/vector/batch.ts';
import type { SubEnvironments } from '../envs/vector/sub-environments.ts';
import { makeSubEnvironments } from '../envs/vector/vector-env.ts';
import { DomainError, toWire } from '../errors.ts';
import { Pcg64 } from '../math/pcg64.ts';
import { Blobs } from '../storage/blobs.ts';
import { streamsOf } from '../training/streams.ts';
import type { EnvironmentWorkerData } from './environment-pool.ts';
import { PolicyCache } from './policy-cache.ts';
import { policyState } from './policy-state.ts';
import type {
  Answered,
  Asked,
  EnvironmentPlan,
  EnvironmentReplies,
  EnvironmentRequest,
  MadeEnvironment,
} from './protocol.ts';

type Handlers = {
  readonly [T in EnvironmentRequest['type']]: (
    request: Extract<EnvironmentRequest, { type: T }>,
  ) => Promise<EnvironmentReplies[T]>;
};

interface Hosted {
  readonly env: Env;
  readonly sampler: Pcg64;
}

/** This worker's part of a vector environment. */
interface Block {
  readonly envs: SubEnvironments;
  readonly sampler: Pcg64;
}

const { dataDir, engines } = workerData as EnvironmentWorkerData;
const blobs = new Blobs(dataDir);
const hosted = new Map<string, Hosted>();
const blocks = new Map<string, Block>();
const policies = new PolicyCache(blobs, new Engines(engines));

const handlers: Handlers = {
  async create(plan) {
    const env = await make(plan.specId, makeOptionsOf(plan));
    hosted.set(plan.id, { env, sampler: samplerOf(plan) });
    return described(env);
  },

  async reset({ id, seed, options }) {
    const { env } = find(id);
    const { observation, info } = env.reset({ ...(seed !== null && { seed }), options });
    return { observation: env.observationSpace.toJson(observation), info };
  },

  async step({ id, action }) {
    const { env } = find(id);
    const { observation, reward, terminated, truncated, info } = env.step(env.actionSpace.parse(action, 'action'));
    return { observation: env.observationSpace.toJson(observation), reward, terminated, truncated, info };
  },

  async sampleAction({ id }) {
    const { env, sampler } = find(id);
    return env.actionSpace.toJson(env.actionSpace.sample(sampler));
  },

  async render({ id, index, options }) {
    const env = blocks.get(id)?.envs.at(index) ?? find(id).env;
    // A copy: what crosses threads takes its whole buffer along, which Node shares among small ones.
    return new Uint8Array(encodePng(env.render(options)));
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
    return sampleBatch(envs.actionSpace.toDocument(), count, sampler);
  },

  async close({ id }) {
    hosted.get(id)?.env.close();
    hosted.delete(id);
    blocks.get(id)?.envs.close();
    blocks.delete(id);
    return null;
  },

  async initializeAgent({ algorithm: name, hyperparameters, specId, envKwargs, seed }) {
    const algorithm = findAlgorithm(name);
    // The environment's kwargs can change its spaces: ask the environment, not its spec.
    using env = await make(specId, { kwargs: envKwargs });
    const observationSpace = env.observationSpace.toDocument();
    const actionSpace = env.actionSpace.toDocument();
    const spaces = algorithm.checkSpaces(observationSpace, actionSpace);
    const tensors = algorithm.initialize(hyperparameters, spaces, streamsOf(seed).initialization);
    const file = encodeCheckpoint(
      {
        format_version: FORMAT_VERSION,
        kind: 'model',
        algorithm: name,
        spec_id: findSpec(specId).id,
        env_kwargs: envKwargs,
        hyperparameters,
        timesteps: 0,
        engine: null,
        engine_identity: null,
      },
      tensors,
    );
    return { observationSpace, actionSpace, model: blobs.write(file) };
  },

  async act(request) {
    return await policies.act(request);
  },

  async exportPolicy({ policy, about }) {
    const algorithm = findAlgorithm(policy.algorithm);
    const { hyperparameters } = policy;
    const spaces = algorithm.checkSpaces(policy.observationSpace, policy.actionSpace);
    const state = await policyState(policy, blobs);
    const model = policyModel({ algorithm, hyperparameters, spaces, state, about });
    return { model, sha256: createHash('sha256').update(model).digest('hex') };
  },
};

function find(id: string): Hosted {
  const found = hosted.get(id);
  if (found === undefined) throw new DomainError('environment_not_found', `Environment ${id} does not exist here.`);
  return found;
}

function findBlock(id: string): Block {
  const found = blocks.get(id);
  if (found === undefined) throw new DomainError('environment_not_found', `Environment ${id} has no block here.`);
  return found;
}

function makeOptionsOf({ kwargs, wrappers, maxEpisodeSteps }: EnvironmentPlan): MakeOptions {
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

// One request after the other: a second step must not overtake the first.
let turn: Promise<void> = Promise.resolve();

async function answer(port: MessagePort, { ticket, request }: Asked): Promise<void> {
  let answered: Answered;
  try {
    const handle = handlers[request.type] as (
      request: EnvironmentRequest,
    ) => Promise<EnvironmentReplies[keyof EnvironmentReplies]>;
    answered = { ticket, reply: await handle(request) };
  } catch (error) {
    answered = { ticket, error: toWire(error) };
  }
  port.postMessage(answered);
}

if (parentPort === null) throw new Error('environment-worker.ts runs in a worker thread only.');
const port = parentPort;
port.on('message', (asked: Asked) => {
  turn = turn.then(() => answer(port, asked));
});
