// What a training job trains, whichever way its algorithm goes about it: by steps in environments, or by planning.
import type { AgentSpaces, Algorithm, InteractiveAlgorithm, PlanningAlgorithm } from '../agent/algorithm.ts';
import type { Engine } from '../compute/engine.ts';
import type { Env } from '../envs/env.ts';
import { tabularModel } from '../envs/registry.ts';
import type { Tensors } from '../math/tensor.ts';
import { plan } from '../training/planner.ts';
import type { RunPlan, TrainingHooks, TrainingOutcome } from '../training/run.ts';
import { streamsOf } from '../training/streams.ts';
import { train } from '../training/trainer.ts';
import type { JobAssignment, TrainTask } from './protocol.ts';
import { makeWrapped } from './wrapped-env.ts';

export interface Trainee {
  /** See `Learner` and `Planner`. */
  readonly engineIdentity: string;
  run(plan: RunPlan, hooks: TrainingHooks): Promise<TrainingOutcome>;
  dispose(): Promise<void>;
}

export interface TraineeSetup {
  readonly assignment: JobAssignment;
  readonly task: TrainTask;
  readonly spaces: AgentSpaces;
  readonly engine: Engine;
  readonly state: Tensors;
  readonly log: (message: string) => void;
}

export async function createTrainee(algorithm: Algorithm, setup: TraineeSetup): Promise<Trainee> {
  return algorithm.kind === 'planning' ? await planning(algorithm, setup) : await learning(algorithm, setup);
}

async function learning(algorithm: InteractiveAlgorithm, setup: TraineeSetup): Promise<Trainee> {
  const { assignment, task, spaces, engine, state, log } = setup;
  const { hyperparameters, threads } = assignment;
  const { numEnvs, seed } = task;
  const envs: Env[] = [];
  while (envs.length < numEnvs) envs.push(await makeWrapped(assignment, spaces, task.wrappers));
  // The native engine takes seconds over a program that it has not seen.
  log(`Compiling the update with the engine ${engine.name}.`);
  const rng = streamsOf(seed).learning;
  const learner = await algorithm.createLearner({ hyperparameters, spaces, engine, threads, numEnvs, state, rng });
  log(`Training on ${learner.engineIdentity}, ${threads} thread(s).`);
  return {
    engineIdentity: learner.engineIdentity,
    run: (asked, hooks) => train({ ...asked, envs, learner, seed }, hooks),
    async dispose() {
      for (const env of envs) env.close();
      await learner.dispose();
    },
  };
}

async function planning(algorithm: PlanningAlgorithm, setup: TraineeSetup): Promise<Trainee> {
  const { hyperparameters, specId, envKwargs } = setup.assignment;
  const model = await tabularModel(specId, envKwargs);
  const planner = algorithm.createPlanner({ hyperparameters, model, state: setup.state });
  setup.log(`Planning on ${planner.engineIdentity}: ${model.states} states, ${model.actions} actions.`);
  return {
    engineIdentity: planner.engineIdentity,
    run: (asked, hooks) => plan({ ...asked, planner }, hooks),
    async dispose() {},
  };
}
