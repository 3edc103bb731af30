// What a training job trains, whichever way its algorithm goes about it: by steps in environments, or by planning.
import { actionCodec } from '../agent/action-codec.ts';
import type { AgentSpaces, Algorithm, InteractiveAlgorithm, Learner, PlanningAlgorithm } from '../agent/algorithm.ts';
import type { Engine } from '../compute/engine.ts';
import type { Env } from '../envs/env.ts';
import { tabularModel } from '../envs/registry.ts';
import type { Tensors } from '../math/tensor.ts';
import type { Blobs } from '../storage/blobs.ts';
import { learn } from '../training/learning.ts';
import { plan } from '../training/planner.ts';
import type { RunPlan, TrainingHooks, TrainingOutcome } from '../training/run.ts';
import { streamsOf } from '../training/streams.ts';
import { train } from '../training/trainer.ts';
import { environmentOf } from './agent-environment.ts';
import type { JobAssignment, LearnTask, TrainTask } from './protocol.ts';
import { readTransitions } from './transition-files.ts';
import { makeWrapped } from './wrapped-env.ts';

export interface Trainee {
  /** See `Learner` and `Planner`. */
  readonly engineIdentity: string;
  run(plan: RunPlan, hooks: TrainingHooks): Promise<TrainingOutcome>;
  dispose(): Promise<void>;
}

export interface TraineeSetup {
  readonly assignment: JobAssignment;
  readonly task: TrainTask | LearnTask;
  readonly blobs: Blobs;
  readonly spaces: AgentSpaces;
  readonly engine: Engine;
  readonly state: Tensors;
  readonly log: (message: string) => void;
}

export async function createTrainee(algorithm: Algorithm, setup: TraineeSetup): Promise<Trainee> {
  if (algorithm.kind === 'planning') return await planning(algorithm, setup);
  const { task } = setup;
  return task.type === 'learn' ? await rehearsing(algorithm, setup, task) : await learning(algorithm, setup, task);
}

async function learning(algorithm: InteractiveAlgorithm, setup: TraineeSetup, task: TrainTask): Promise<Trainee> {
  const { assignment, spaces } = setup;
  const identity = environmentOf(assignment);
  const { numEnvs, seed } = task;
  const envs: Env[] = [];
  while (envs.length < numEnvs) envs.push(await makeWrapped(identity, spaces, task.wrappers));
  const learner = await compiled(algorithm, setup, numEnvs);
  return {
    engineIdentity: learner.engineIdentity,
    run: (asked, hooks) => train({ ...asked, envs, learner, seed }, hooks),
    async dispose() {
      for (const env of envs) env.close();
      await learner.dispose();
    },
  };
}

async function rehearsing(algorithm: InteractiveAlgorithm, setup: TraineeSetup, task: LearnTask): Promise<Trainee> {
  const learner = await compiled(algorithm, setup, 1);
  const transitions = readTransitions(setup.blobs, task.batches, actionCodec(setup.spaces.action));
  return {
    engineIdentity: learner.engineIdentity,
    run: (asked, hooks) => learn({ ...asked, learner, transitions }, hooks),
    dispose: () => learner.dispose(),
  };
}

async function compiled(
  algorithm: InteractiveAlgorithm,
  { assignment, task, spaces, engine, state, log }: TraineeSetup,
  numEnvs: number,
): Promise<Learner> {
  const { hyperparameters, threads } = assignment;
  // The native engine takes seconds over a program that it has not seen.
  log(`Compiling the update with the engine ${engine.name}.`);
  const rng = streamsOf(task.seed).learning;
  const replayPlacement = task.type === 'train' ? task.replayPlacement : 'host';
  const learner = await algorithm.createLearner({
    hyperparameters,
    spaces,
    engine,
    threads,
    numEnvs,
    replayPlacement,
    state,
    rng,
  });
  log(`Training on ${learner.engineIdentity}, ${threads} thread(s).`);
  return learner;
}

async function planning(algorithm: PlanningAlgorithm, setup: TraineeSetup): Promise<Trainee> {
  const { hyperparameters } = setup.assignment;
  const { specId, envKwargs } = environmentOf(setup.assignment);
  const model = await tabularModel(specId, envKwargs);
  const planner = algorithm.createPlanner({ hyperparameters, model, state: setup.state });
  setup.log(`Planning on ${planner.engineIdentity}: ${model.states} states, ${model.actions} actions.`);
  return {
    engineIdentity: planner.engineIdentity,
    run: (asked, hooks) => plan({ ...asked, planner }, hooks),
    async dispose() {},
  };
}
