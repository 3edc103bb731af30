// ScaleMass: bodies of another density. Mass and inertia change by the same factor, shapes stay.

import { amountKwarg } from './amount.ts';
import { ModelPerturbation, numbersOf, partsKwarg, simulationOf } from './model-perturbation.ts';
import { wrapper } from './wrapper.ts';

export const scaleMass = wrapper({
  name: 'ScaleMass',
  summary: 'Makes bodies of a MuJoCo environment heavier or lighter: mass and inertia times a factor.',
  kwargs: {
    scale: amountKwarg(
      1,
      'Factor of mass (kg) and inertia (kg m²): a number, or [low, high] to draw one per episode.',
      {
        minimum: 0.001,
        maximum: 1000,
      },
    ),
    bodies: partsKwarg('Names or numbers of the bodies; all where empty.'),
  },
  wrap: (env, { scale, bodies }, context) => {
    const simulation = simulationOf('ScaleMass', env, context);
    const chosen = numbersOf('ScaleMass', simulation, 'body', bodies);
    return new ModelPerturbation(env, {
      simulation,
      place: context.place,
      range: scale,
      infoKey: 'mass_scale',
      edit: ({ bodyMass, bodyInertia }, factor) => {
        for (const id of chosen.length > 0 ? chosen : bodyMass.keys()) {
          bodyMass[id] = (bodyMass[id] as number) * factor;
          for (let axis = 3 * id; axis < 3 * id + 3; axis++) bodyInertia[axis] = (bodyInertia[axis] as number) * factor;
        }
      },
    });
  },
});
