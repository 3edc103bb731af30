// ScaleDamping: joints that brake more or less, by a torque that grows with their velocity.

import { amountKwarg } from './amount.ts';
import { ModelPerturbation, numbersOf, partsKwarg, simulationOf } from './model-perturbation.ts';
import { wrapper } from './wrapper.ts';

export const scaleDamping = wrapper({
  name: 'ScaleDamping',
  summary: 'Changes the damping of joints of a MuJoCo environment by a factor.',
  kwargs: {
    scale: amountKwarg(
      1,
      'Factor of damping (N m s/rad of hinges, N s/m of slides): a number, or [low, high] to draw one per episode.',
      { minimum: 0, maximum: 1000 },
    ),
    joints: partsKwarg('Names or numbers of the joints; all where empty.'),
  },
  wrap: (env, { scale, joints }, context) => {
    const simulation = simulationOf('ScaleDamping', env, context);
    const chosen = numbersOf('ScaleDamping', simulation, 'joint', joints);
    const dofs = chosen.flatMap((joint) => simulation.dofsOf(joint));
    return new ModelPerturbation(env, {
      simulation,
      place: context.place,
      range: scale,
      infoKey: 'damping_scale',
      edit: ({ dofDamping }, factor) => {
        for (const dof of chosen.length > 0 ? dofs : dofDamping.keys())
          dofDamping[dof] = (dofDamping[dof] as number) * factor;
      },
    });
  },
});
