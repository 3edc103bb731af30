// A thread that hosts environments and acts for agents. Answers requests in the order in which they come.
import { createHash } from 'node:crypto';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { findAlgorithm } from '../agent/algorithm-registry.ts';
import { encodeCheckpoint, FORMAT_VERSION, spacesOfDocument } from '../agent/checkpoint.ts';
import { policyModel } from '../agent/policy-model.ts';
import { Engines } from '../compute/engines.ts';
import { make, tabularModel } from '../envs/registry.ts';
import { toWire } from '../errors.ts';
import { Blobs } from '../storage/blobs.ts';
import { streamsOf } from '../training/streams.ts';
import { environmentOf } from './agent-environment.ts';
import { importCheckpoint } from './checkpoint-import.ts';
import type { EnvironmentWorkerData } from './environment-pool.ts';
import { hostedEnvironments } from './hosted-environments.ts';
import { PolicyCache } from './policy-cache.ts';
import { policyState } from './policy-state.ts';
import type { Answered, Asked, EnvironmentIdentity, EnvironmentReplies, EnvironmentRequest } from './protocol.ts';
import { encodeTransitions } from './transition-files.ts';
import { makeWrapped } from './wrapped-env.ts';

type Handlers = {
  readonly [T in EnvironmentRequest['type']]: (
    request: Extract<EnvironmentRequest, { type: T }>,
  ) => Promise<EnvironmentReplies[T]>;
};

const { dataDir, engines } = workerData as EnvironmentWorkerData;
const blobs = new Blobs(dataDir);
const policies = new PolicyCache(blobs, new Engines(engines));

const handlers: Handlers = {
  ...hostedEnvironments(policies),

  async initializeAgent({ algorithm: name, hyperparameters, specId, envKwargs, spaces: given, seed }) {
    const algorithm = findAlgorithm(name);
    const { observation: observationSpace, action: actionSpace } =
      given ?? (await spacesOf(environmentOf({ specId, envKwargs })));
    const spaces = algorithm.checkSpaces(observationSpace, actionSpace);
    // Now, not in the first job: an agent that has nothing to plan on can never be trained.
    if (algorithm.kind === 'planning') await tabularModel(environmentOf({ specId, envKwargs }).specId, envKwargs);
    const tensors = algorithm.initialize(hyperparameters, spaces, streamsOf(seed).initialization);
    const file = encodeCheckpoint(
      {
        format_version: FORMAT_VERSION,
        kind: 'model',
        algorithm: name,
        spec_id: specId,
        env_kwargs: envKwargs,
        ...spacesOfDocument(specId, { observation: observationSpace, action: actionSpace }),
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

  async checkWrappers({ identity, spaces, lists }) {
    for (const wrappers of lists) (await makeWrapped(identity, spaces, wrappers)).close();
    return null;
  },

  async storeTransitions({ spaces, columns }) {
    const { count, file } = encodeTransitions(columns, spaces);
    return { count, blob: blobs.write(file) };
  },

  async importCheckpoint({ file, sha256 }) {
    const { file: checked, ...imported } = await importCheckpoint(file, sha256);
    return { ...imported, model: blobs.write(checked) };
  },

  async verifyCheckpoint({ model, experience }) {
    await blobs.read(model);
    if (experience === null) return null;
    await blobs.read(experience.file, 'experience');
    for (const segment of experience.segments) await blobs.read(segment, `segment ${segment.name}`);
    return null;
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

/** The environment's kwargs can change its spaces: ask the environment, not its spec. */
async function spacesOf({ specId, envKwargs }: EnvironmentIdentity) {
  using env = await make(specId, { kwargs: envKwargs });
  return { observation: env.observationSpace.toDocument(), action: env.actionSpace.toDocument() };
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
