// ScaleActuators: motors that are stronger or weaker than the model says.

import { amountKwarg } from './amount.ts';
import { ModelPerturbation, numbersOf, partsKwarg, simulationOf } from './model-perturbation.ts';
import { wrapper } from './wrapper.ts';

/** mjNGAIN and mjNBIAS of mjmodel.h. */
const PARAMETERS = 10;

export const scaleActuators = wrapper({
  name: 'ScaleActuators',
  summary: 'Makes motors of a MuJoCo environment stronger or weaker: the force of a control times a factor.',
  kwargs: {
    scale: amountKwarg(
      1,
      'Factor of the force (N) or torque (N m) of a control: a number, or [low, high] to draw one per episode.',
      { minimum: 0, maximum: 1000 },
    ),
    actuators: partsKwarg('Names or numbers of the actuators; all where empty.'),
  },
  wrap: (env, { scale, actuators }, context) => {
    const simulation = simulationOf('ScaleActuators', env, context);
    const chosen = numbersOf('ScaleActuators', simulation, 'actuator', actuators);
    const ids = chosen.length > 0 ? chosen : Array.from({ length: simulation.nu }, (_, id) => id);
    return new ModelPerturbation(env, {
      simulation,
      place: context.place,
      range: scale,
      infoKey: 'actuator_scale',
      edit: ({ actuatorGain, actuatorBias }, factor) => {
        for (const parameters of [actuatorGain, actuatorBias]) {
          for (const id of ids) {
            const start = PARAMETERS * id;
            parameters.set(
              parameters.slice(start, start + PARAMETERS).map((x) => x * factor),
              start,
            );
          }
        }
      },
    });
  },
});
