// The thread of one job: builds what the assignment names, runs it, reports. Ends with the job.
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { type ActionCodec, actionCodec } from '../agent/action-codec.ts';
import type { AgentSpaces, Algorithm } from '../agent/algorithm.ts';
import { findAlgorithm } from '../agent/algorithm-registry.ts';
import {
  type CheckpointDocument,
  decodeCheckpoint,
  encodeCheckpoint,
  FORMAT_VERSION,
  spacesOfDocument,
} from '../agent/checkpoint.ts';
import type { Engine } from '../compute/engine.ts';
import { Engines } from '../compute/engines.ts';
import type { Env } from '../envs/env.ts';
import { make } from '../envs/registry.ts';
import { DomainError, toWire } from '../errors.ts';
import type { Tensors } from '../math/tensor.ts';
import { Blobs } from '../storage/blobs.ts';
import { type Evaluation, evaluate } from '../training/evaluate.ts';
import type { TrainingHooks } from '../training/run.ts';
import { environmentOf } from './agent-environment.ts';
import { ExperienceFiles } from './experience-files.ts';
import type { EvaluateTask, JobCommand, JobMessage, JobStart, LearnTask, TrainTask } from './protocol.ts';
import { createTrainee, type Trainee } from './trainee.ts';
import { makeWrapped } from './wrapped-env.ts';

type Outcome = Extract<JobMessage, { type: 'done' }>;

/** What both kinds of job stand on. */
interface Bench {
  readonly algorithm: Algorithm;
  readonly spaces: AgentSpaces;
  readonly codec: ActionCodec;
  readonly engine: Engine;
  readonly state: Tensors;
  /** Identity of the engine that `state` was trained on; null before any training. */
  readonly trainedOn: string | null;
}

const { assignment, heartbeat } = workerData as JobStart;
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
  const { algorithm: name, observationSpace, actionSpace, model } = assignment;
  const algorithm = findAlgorithm(name);
  const spaces = algorithm.checkSpaces(observationSpace, actionSpace);
  const { document, tensors } = decodeCheckpoint(await blobs.read(model));
  const bench = {
    algorithm,
    spaces,
    codec: actionCodec(spaces.action),
    engine: await new Engines(assignment.engines).find(assignment.engine),
    state: tensors,
    trainedOn: document.engine_identity,
  };
  const { task } = assignment;
  switch (task.type) {
    case 'train':
    case 'learn':
      return await runTraining(bench, task);
    case 'evaluate':
      return await runEvaluation(bench, task);
    default:
      throw new TypeError(`There is no job type ${task satisfies never}.`);
  }
}

async function runTraining(bench: Bench, task: TrainTask | LearnTask): Promise<Outcome> {
  const { algorithm, spaces, engine, state, codec } = bench;
  const { hyperparameters } = assignment;
  const log = (message: string) => send({ type: 'log', message });
  const trainee = await createTrainee(algorithm, { ...bench, assignment, task, blobs, log });
  const evaluation = task.type === 'train' ? task.evaluation : null;
  using evaluationEnv = evaluation && (await makePlain());
  const policy = evaluation && (await algorithm.createPolicy({ hyperparameters, spaces, engine, state }));
  const files = new ExperienceFiles(blobs);
  /** A run that learns from transitions counts its gradient steps; the agent has all of the transitions from the start. */
  const ofAgent = (step: number) => (task.type === 'train' ? step : task.timesteps);
  const hooks: TrainingHooks = {
    isCancelled: () => readWishes().cancel,
    takeCheckpointRequest,
    progress: (progress) => send({ type: 'progress', ...progress, timesteps: ofAgent(progress.timesteps) }),
    metrics: (timesteps, values) => send({ type: 'metrics', timesteps, values }),
    episode: (timesteps, episode) => send({ type: 'episode', timesteps, ...episode }),
    evaluated: (timesteps, evaluation) => send({ type: 'metrics', timesteps, values: evaluationMetrics(evaluation) }),
    restored: (experience) => files.restored(experience),
    checkpoint: (step, { model, experience, isBest }) => {
      const timesteps = ofAgent(step);
      send({
        type: 'checkpoint',
        timesteps,
        step,
        model: blobs.write(encodeCheckpoint(documentOf('model', timesteps, trainee), model)),
        experience: files.save(documentOf('experience', timesteps, trainee), experience),
        isBest,
      });
    },
    publish: (step, policyState) => send({ type: 'policy', timesteps: ofAgent(step), state: policyState }),
  };
  try {
    checkIdentity(bench, task, trainee);
    if (task.experience !== null) await files.load(task.experience);
    const outcome = await trainee.run(
      {
        codec,
        ...(task.type === 'train'
          ? {
              timesteps: task.timesteps,
              endTimesteps: task.endTimesteps,
              checkpointEveryTimesteps: task.checkpointEveryTimesteps,
            }
          : {
              timesteps: task.updates,
              endTimesteps: task.gradientSteps,
              checkpointEveryTimesteps: task.checkpointEveryUpdates,
            }),
        resumes: task.resumes,
        experience: () => files.loaded,
        evaluation: evaluation && evaluationEnv && policy && { ...evaluation, env: evaluationEnv, policy },
        checkpointEverySeconds: task.checkpointEverySeconds,
      },
      hooks,
    );
    return { type: 'done', outcome, evaluation: null };
  } finally {
    await policy?.dispose();
    await trainee.dispose();
  }
}

/** Under another engine identity the bits differ: a run that resumes would not become what it would have become undisturbed. */
function checkIdentity({ trainedOn }: Bench, task: TrainTask | LearnTask, { engineIdentity }: Trainee): void {
  if (trainedOn === null || trainedOn === engineIdentity) return;
  if (task.resumes && !task.allowInexactResume) {
    throw new DomainError(
      'engine_mismatch',
      `The job's last checkpoint was trained on ${trainedOn}, and this server compiles ${engineIdentity}: it cannot go on byte for byte. Train the agent again to go on from that checkpoint with this engine, restart the server as it was, or ask for jobs with allow_inexact_resume.`,
    );
  }
  const message = `The checkpoint was trained on ${trainedOn}; from here on it is ${engineIdentity}, so the run is not the one that it would have been there.`;
  send({ type: 'log', message });
}

async function runEvaluation(bench: Bench, task: EvaluateTask): Promise<Outcome> {
  const { algorithm, spaces, engine, state, codec } = bench;
  using plainEnv = await makePlain();
  const policy = await algorithm.createPolicy({ hyperparameters: assignment.hyperparameters, spaces, engine, state });
  let steps = 0;
  let played = 0;
  const play = (env: Env): Promise<Evaluation | null> =>
    evaluate({
      env,
      policy,
      codec,
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
  try {
    const evaluation = await play(plainEnv);
    if (evaluation !== null) send({ type: 'metrics', timesteps: steps, values: evaluationMetrics(evaluation) });
    const perturbed: Evaluation[] = [];
    for (const wish of task.perturbations) {
      using env = await makeWrapped(environmentOf(assignment), spaces, [wish]);
      const result = evaluation && (await play(env));
      if (result === null) return { type: 'done', outcome: 'cancelled', evaluation: null };
      perturbed.push(result);
    }
    if (evaluation === null) return { type: 'done', outcome: 'cancelled', evaluation };
    return { type: 'done', outcome: 'finished', evaluation: { ...evaluation, perturbed } };
  } finally {
    await policy.dispose();
  }
}

/** The agent's environment without wrappers. */
async function makePlain(): Promise<Env> {
  const { specId, envKwargs } = environmentOf(assignment);
  return await make(specId, { kwargs: envKwargs });
}

function evaluationMetrics({ returnMean, returnStd, lengthMean }: Evaluation): Record<string, number> {
  return { 'eval/return_mean': returnMean, 'eval/return_std': returnStd, 'eval/length_mean': lengthMean };
}

function documentOf(
  kind: CheckpointDocument['kind'],
  timesteps: number,
  { engineIdentity }: Trainee,
): CheckpointDocument {
  const { algorithm, specId, envKwargs, observationSpace, actionSpace, hyperparameters, engine } = assignment;
  return {
    format_version: FORMAT_VERSION,
    kind,
    algorithm,
    spec_id: specId,
    env_kwargs: envKwargs,
    ...spacesOfDocument(specId, { observation: observationSpace, action: actionSpace }),
    hyperparameters,
    timesteps,
    engine,
    engine_identity: engineIdentity,
  };
}

/** The loop never yields to the event loop for long, so messages are fetched, not awaited. */
function readWishes(): typeof wishes {
  beat();
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

/** Not by a timer: a loop that waits for what never comes has to fall silent too. */
function beat(): void {
  Atomics.add(heartbeat, 0, 1);
}

function send(message: JobMessage): void {
  beat();
  (port satisfies MessagePort).postMessage(message);
}
