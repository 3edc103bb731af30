import assert from 'node:assert/strict';
import test from 'node:test';
import { HALF_CHEETAH_MJCF } from '../../../src/envs/mujoco/half-cheetah-model.ts';
import { Simulation } from '../../../src/envs/mujoco/module.ts';
import { readFixture } from '../../fixtures/read.ts';

const { arrays, option, sizes } = readFixture<{
  arrays: Record<string, number[]>;
  option: Record<string, number[]>;
  sizes: Record<string, number>;
}>('half-cheetah-v5-model');

// The binding of 3.14 cannot hand out arrays of booleans. What these say shows in the teacher-forced trajectories, which
// run into joint limits and, with actions × 1.7, into the control range.
const UNREADABLE = new Set([
  'actuator_actearly',
  'actuator_actlimited',
  'actuator_ctrllimited',
  'actuator_forcelimited',
  'jnt_actfrclimited',
  'jnt_actgravcomp',
  'jnt_limited',
]);

const simulation = await Simulation.create(HALF_CHEETAH_MJCF);
test.after(() => simulation.close());

const modelArray = (name: string) => simulation.modelArray(name as Parameters<Simulation['modelArray']>[0]);

function assertClose(actual: readonly number[], expected: readonly number[], name: string): void {
  assert.equal(actual.length, expected.length, `length of ${name}`);
  for (const [i, x] of expected.entries()) {
    assert.ok(Math.abs((actual[i] as number) - x) <= 1e-12, `${name}[${i}] is ${actual[i]}, in Gymnasium ${x}`);
  }
}

test('the compiled half-cheetah has the sizes of Gymnasium’s', () => {
  const { nq, nv, nu, nbody, njnt, ngeom } = sizes as Record<'nq' | 'nv' | 'nu' | 'nbody' | 'njnt' | 'ngeom', number>;
  assert.deepEqual([simulation.nq, simulation.nv, simulation.nu], [nq, nv, nu]);
  assert.deepEqual(
    [modelArray('body_mass').length, modelArray('jnt_type').length, modelArray('geom_type').length],
    [nbody, njnt, ngeom],
  );
});

for (const [name, expected] of Object.entries(arrays)) {
  if (UNREADABLE.has(name)) continue;
  test(`the compiled half-cheetah's ${name} is Gymnasium's to 1e-12`, () =>
    assertClose(modelArray(name), expected, name));
}

for (const [name, expected] of Object.entries(option)) {
  test(`the half-cheetah's option ${name} is Gymnasium's`, () => {
    const value = simulation.modelOption(name);
    assertClose(Array.isArray(value) ? value : [value], expected, name);
  });
}
