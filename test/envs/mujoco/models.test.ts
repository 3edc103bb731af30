import assert from 'node:assert/strict';
import test from 'node:test';
import { Simulation } from '../../../src/envs/mujoco/simulation.ts';
import { readFixture } from '../../fixtures/read.ts';
import { MJCF_MODELS } from './mjcf-models.ts';

interface ModelFixture {
  readonly arrays: Readonly<Record<string, readonly number[]>>;
  readonly option: Readonly<Record<string, readonly number[]>>;
  readonly sizes: Readonly<Record<string, number>>;
}

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
  'tendon_actfrclimited',
  'tendon_limited',
]);

/** Decides only what a picture from the camera shows. */
const PICTORIAL = new Set(['cam_intrinsic']);

/** Relative to max(1, |expected|), as everywhere. */
function assertClose(actual: readonly number[], expected: readonly number[], name: string): void {
  assert.equal(actual.length, expected.length, `length of ${name}`);
  for (const [i, x] of expected.entries()) {
    const error = Math.abs((actual[i] as number) - x) / Math.max(1, Math.abs(x));
    assert.ok(error <= 1e-12, `${name}[${i}] is ${actual[i]}, in Gymnasium ${x}`);
  }
}

for (const [id, mjcf] of MJCF_MODELS) {
  const { arrays, option, sizes } = readFixture<ModelFixture>(`${id}-model`);

  test(`${id} compiles to Gymnasium's model, to 1e-12`, async (t) => {
    const simulation = await Simulation.create(mjcf);
    t.after(() => simulation.close());
    const modelArray = (name: string) => simulation.modelArray(name as Parameters<Simulation['modelArray']>[0]);

    await t.test('sizes', () => {
      assert.deepEqual([simulation.nq, simulation.nv, simulation.nu], [sizes['nq'], sizes['nv'], sizes['nu']]);
      assert.deepEqual(
        ['body_mass', 'jnt_type', 'geom_type'].map((name) => modelArray(name).length),
        [sizes['nbody'], sizes['njnt'], sizes['ngeom']],
      );
    });

    for (const [name, expected] of Object.entries(arrays)) {
      if (UNREADABLE.has(name) || PICTORIAL.has(name)) continue;
      await t.test(name, () => assertClose(modelArray(name), expected, name));
    }

    for (const [name, expected] of Object.entries(option)) {
      await t.test(`option ${name}`, () => {
        const value = simulation.modelOption(name);
        assertClose(Array.isArray(value) ? value : [value], expected, name);
      });
    }
  });
}
