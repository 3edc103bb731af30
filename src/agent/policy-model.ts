// A policy as an ONNX file that stands by itself: observations in, its deterministic actions in the environment's Box out.
import type { Graph } from '../compute/graph.ts';
import { lower } from '../compute/onnx/lower.ts';
import type { ModelAbout } from '../compute/onnx/model.ts';
import { optimize } from '../compute/passes/optimize.ts';
import { matchState } from '../compute/state.ts';
import { trace } from '../compute/trace/trace.ts';
import type { SpaceDocument } from '../envs/spaces/space.ts';
import { sizeOf, type Tensors } from '../math/tensor.ts';
import { actionCodec } from './action-codec.ts';
import type { AgentSpaces, Algorithm, Hyperparameters } from './algorithm.ts';

/** A trace has static shapes, a model any number of rows: any size but 1 leaves the same graph, since passes drop axes of length 1. */
const TRACED_BATCH = 2;

export interface PolicyModelSetup {
  readonly algorithm: Algorithm;
  readonly hyperparameters: Hyperparameters;
  readonly spaces: AgentSpaces;
  /** `Learner.policyState`, or the whole state of `Algorithm.initialize`. */
  readonly state: Tensors;
  readonly about: ModelAbout;
}

/**
 * The file: `observation` [N, observation] to `action` [N, action], both float32 and flat in C order, with the parameters inside.
 * Throws `checkpoint_incompatible` naming the parameter that is missing or of another shape.
 */
export function policyModel(setup: PolicyModelSetup, tracedBatch = TRACED_BATCH): Uint8Array {
  const graph = policyGraph(setup, tracedBatch);
  const parameters = Object.fromEntries(Object.entries(setup.state).filter(([name]) => graph.state.has(name)));
  const options = { values: matchState(graph, parameters), batch: 'N', about: setup.about };
  return lower(optimize(graph), options).bytes;
}

function policyGraph({ algorithm, hyperparameters, spaces }: PolicyModelSetup, batch: number): Graph {
  const { parameters, act } = algorithm.meanPolicy(hyperparameters, spaces);
  const codec = actionCodec(spaces.action);
  return trace(
    (variables, { observation }) => ({
      action: codec.toSpaceTensor(act(new Map(Object.entries(variables)), observation)),
    }),
    { state: parameters, inputs: { observation: [batch, widthOf(spaces.observation)] } },
  );
}

/** Numbers of one observation. */
const widthOf = (space: SpaceDocument): number => (space.type === 'Box' ? sizeOf(space.shape) : 1);
