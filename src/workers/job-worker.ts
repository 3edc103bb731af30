// The thread of one job: builds what the assignment names, runs it, reports. Ends with the job.
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { ActionScale } from '../agent/action-scale.ts';
import type { AgentSpaces, Algorithm, Learner } from '../agent/algorithm.ts';
import { findAlgorithm } from '../agent/algorithm-registry.ts';
import { type CheckpointDocument, decodeCheckpoint, encodeCheckpoint, FORMAT_VERSION } from '../agent/checkpoint.ts';
import type { Engine } from '../compute/engine.ts';
import { Engines } from '../compute/engines.ts';
import type { Env } from '../envs/env.ts';
import { make } from '../envs/registry.ts';
import { toWire } from '../errors.ts';
import type { Tensors } from '../math/tensor.ts';
import { Blobs } from '../storage/blobs.ts';
import { type Evaluation, evaluate } from '../training/evaluate.ts';
import { streamsOf } from '../training/streams.ts';
import { type TrainingHooks, train } from '../training/trainer.ts';
import type { EvaluateTask, JobAssignment, JobCommand, JobMessage, TrainTask } from './protocol.ts';

type Outcome = Extract<JobMessage, { type: 'done' }>;

/** What both kinds of job stand on. */
interface Bench {
  readonly env: Env;
  readonly algorithm: Algorithm;
  readonly spaces: AgentSpaces;
  readonly scale: ActionScale;
  readonly engine: Engine;
  readonly state: Tensors;
}

const assignment = workerData as JobAssignment;
const blobs = new Blobs(assignment.dataDir);
const wishes = { cancel: false, checkpoint: false };

if (parentPort === null) throw new Error('job-worker.ts runs in a worker thread only.');
const port = parentPort;

try {
  send(await work());
} catch (error) {
  send({ type: 'failed', error: toWire(error) });
}
port.close();

async function work(): Promise<Outcome> {
  const { algorithm: name, specId, envKwargs, model } = assignment;
  const algorithm = findAlgorithm(name);
  using env = await make(specId, { kwargs: envKwargs });
  const spaces = algorithm.checkSpaces(env.observationSpace.toDocument(), env.actionSpace.toDocument());
  const bench = {
    env,
    algorithm,
    spaces,
    scale: new ActionScale(spaces.action),
    engine: await new Engines(assignment.engines).find(assignment.engine),
    state: decodeCheckpoint(await blobs.read(model)).tensors,
  };
  const { task } = assignment;
  switch (task.type) {
    case 'train':
      return await runTraining(bench, task);
    case 'evaluate':
      return await runEvaluation(bench, task);
    default:
      throw new TypeError(`There is no job type ${task satisfies never}.`);
  }
}

async function runTraining(bench: Bench, task: TrainTask): Promise<Outcome> {
  const { algorithm, spaces, engine, state, env, scale } = bench;
  const { hyperparameters, threads, specId, envKwargs } = assignment;
  // The native engine takes seconds over a program that it has not seen.
  send({ type: 'log', message: `Compiling the update with the engine ${engine.name}.` });
  const learner = await algorithm.createLearner({
    hyperparameters,
    spaces,
    engine,
    threads,
    state,
    rng: streamsOf(task.seed).learning,
  });
  send({ type: 'log', message: `Training on ${learner.engineIdentity}, ${threads} thread(s).` });
  using evaluationEnv = task.evaluation && (await make(specId, { kwargs: envKwargs }));
  const policy = task.evaluation && (await algorithm.createPolicy({ hyperparameters, spaces, engine, state }));
  const hooks: TrainingHooks = {
    isCancelled: () => readWishes().cancel,
    takeCheckpointRequest,
    progress: (progress) => send({ type: 'progress', ...progress }),
    metrics: (timesteps, values) => send({ type: 'metrics', timesteps, values }),
    episode: (timesteps, episode) => send({ type: 'episode', timesteps, ...episode }),
    evaluated: (timesteps, evaluation) => send({ type: 'metrics', timesteps, values: evaluationMetrics(evaluation) }),
    checkpoint: (timesteps, { model, experience }) =>
      send({
        type: 'checkpoint',
        timesteps,
        model: blobs.write(encodeCheckpoint(documentOf('model', timesteps, learner), model)),
        experience: blobs.write(encodeCheckpoint(documentOf('experience', timesteps, learner), experience)),
      }),
    publish: (timesteps, policyState) => send({ type: 'policy', timesteps, state: policyState }),
  };
  try {
    const outcome = await train(
      {
        env,
        learner,
        scale,
        seed: task.seed,
        timesteps: task.timesteps,
        endTimesteps: task.endTimesteps,
        resumes: task.resumes,
        experience: task.experience && decodeCheckpoint(await blobs.read(task.experience)).tensors,
        evaluation: task.evaluation && evaluationEnv && policy && { ...task.evaluation, env: evaluationEnv, policy },
        checkpointEveryTimesteps: task.checkpointEveryTimesteps,
        checkpointEverySeconds: task.checkpointEverySeconds,
      },
      hooks,
    );
    return { type: 'done', outcome, evaluation: null };
  } finally {
    await policy?.dispose();
    await learner.dispose();
  }
}

async function runEvaluation(bench: Bench, task: EvaluateTask): Promise<Outcome> {
  const { algorithm, spaces, engine, state, env, scale } = bench;
  const policy = await algorithm.createPolicy({ hyperparameters: assignment.hyperparameters, spaces, engine, state });
  let steps = 0;
  let played = 0;
  try {
    const evaluation = await evaluate({
      env,
      policy,
      scale,
      episodes: task.episodes,
      seed: task.seed,
      deterministic: task.deterministic,
      shouldStop: () => readWishes().cancel,
      onEpisode: (episode) => {
        steps += episode.length;
        played++;
        send({ type: 'episode', timesteps: steps, episode: played, ...episode });
        send({ type: 'progress', timesteps: steps, episodes: played, updates: 0 });
      },
    });
    if (evaluation !== null) send({ type: 'metrics', timesteps: steps, values: evaluationMetrics(evaluation) });
    return { type: 'done', outcome: evaluation === null ? 'cancelled' : 'finished', evaluation };
  } finally {
    await policy.dispose();
  }
}

function evaluationMetrics({ returnMean, returnStd, lengthMean }: Evaluation): Record<string, number> {
  return { 'eval/return_mean': returnMean, 'eval/return_std': returnStd, 'eval/length_mean': lengthMean };
}

function documentOf(
  kind: CheckpointDocument['kind'],
  timesteps: number,
  { engineIdentity }: Learner,
): CheckpointDocument {
  const { algorithm, specId, envKwargs, hyperparameters, engine } = assignment;
  return {
    format_version: FORMAT_VERSION,
    kind,
    algorithm,
    spec_id: specId,
    env_kwargs: envKwargs,
    hyperparameters,
    timesteps,
    engine,
    engine_identity: engineIdentity,
  };
}

/** The loop never yields to the event loop for long, so messages are fetched, not awaited. */
function readWishes(): typeof wishes {
  for (let received = receiveMessageOnPort(port); received !== undefined; received = receiveMessageOnPort(port)) {
    const command = received.message as JobCommand;
    wishes[command.type] = true;
  }
  return wishes;
}

function takeCheckpointRequest(): boolean {
  const requested = readWishes().checkpoint;
  wishes.checkpoint = false;
  return requested;
}

function send(message: JobMessage): void {
  (port satisfies MessagePort).postMessage(message);
}
