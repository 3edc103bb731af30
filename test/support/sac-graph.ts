// The graph of a SAC update with an agent's settings, at any widths, without an agent.
import type { BoxSpaces } from '../../src/agent/algorithm.ts';
import { resolveSac } from '../../src/agent/algorithms/sac/config.ts';
import { settingsOf } from '../../src/agent/algorithms/sac/networks.ts';
import { updateOptions, updateProgram } from '../../src/agent/algorithms/sac/update-program.ts';
import type { Graph } from '../../src/compute/graph.ts';
import type { BoxDocument } from '../../src/envs/spaces/space.ts';

export const box = (size: number): BoxDocument => ({ type: 'Box', dtype: 'float32', shape: [size], low: -1, high: 1 });

export const spacesOf = (observation: number, action: number): BoxSpaces => ({
  observation: box(observation),
  action: box(action),
});

/** `hyperparameters` are what differs from the defaults. */
export function sacUpdate(spaces: BoxSpaces, hyperparameters: Readonly<Record<string, unknown>>): Graph {
  const { architecture, config } = settingsOf(resolveSac(hyperparameters, 'none'), spaces);
  return updateProgram(architecture, updateOptions(config));
}
