// JointFriction: joints with dry friction, which resists any motion with the same torque.

import { amountKwarg } from './amount.ts';
import { ModelPerturbation, numbersOf, partsKwarg, simulationOf } from './model-perturbation.ts';
import { wrapper } from './wrapper.ts';

export const jointFriction = wrapper({
  name: 'JointFriction',
  summary: 'Adds dry friction to joints of a MuJoCo environment.',
  kwargs: {
    friction: amountKwarg(
      0,
      'Added to the friction of each degree of freedom, in N m (hinges) or N (slides): a number, or [low, high] to draw one per episode.',
      { minimum: 0, maximum: 1e6 },
    ),
    joints: partsKwarg('Names or numbers of the joints; where empty all that have a motor.'),
  },
  wrap: (env, { friction, joints }, context) => {
    const simulation = simulationOf('JointFriction', env, context);
    const chosen = numbersOf('JointFriction', simulation, 'joint', joints);
    const dofs = (chosen.length > 0 ? chosen : [...new Set(simulation.actuatedJoints())]).flatMap((joint) =>
      simulation.dofsOf(joint),
    );
    return new ModelPerturbation(env, {
      simulation,
      place: context.place,
      range: friction,
      infoKey: 'joint_friction',
      edit: ({ dofFrictionLoss }, torque) => {
        for (const dof of dofs) dofFrictionLoss[dof] = (dofFrictionLoss[dof] as number) + torque;
      },
    });
  },
});
