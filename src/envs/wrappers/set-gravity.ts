// SetGravity: another planet, or none.

import { amountKwarg } from './amount.ts';
import { ModelPerturbation, simulationOf } from './model-perturbation.ts';
import { wrapper } from './wrapper.ts';

export const setGravity = wrapper({
  name: 'SetGravity',
  summary: 'Changes the gravity of a MuJoCo environment, which points straight down.',
  kwargs: {
    gravity: amountKwarg(
      9.81,
      'Acceleration downwards in m/s², 0 to float: a number, or [low, high] to draw one per episode.',
      { minimum: -1000, maximum: 1000 },
    ),
  },
  wrap: (env, { gravity: range }, context) =>
    new ModelPerturbation(env, {
      simulation: simulationOf('SetGravity', env, context),
      place: context.place,
      range,
      infoKey: 'gravity',
      // 0 − x, so that none is 0 and not −0.
      edit: ({ gravity }, acceleration) => gravity.set([0, 0, 0 - acceleration]),
    }),
});
