import assert from 'node:assert/strict';
import test from 'node:test';
import type { Env, StepResult } from '../../../src/envs/env.ts';
import { halfCheetah } from '../../../src/envs/mujoco/half-cheetah.ts';
import { HALF_CHEETAH_MJCF } from '../../../src/envs/mujoco/half-cheetah-model.ts';
import { live } from '../../../src/envs/mujoco/heap.ts';
import type { MujocoEnv } from '../../../src/envs/mujoco/mujoco-env.ts';
import { Simulation } from '../../../src/envs/mujoco/simulation.ts';
import { make } from '../../../src/envs/registry.ts';
import { type WrapperWish, wrapAll } from '../../../src/envs/wrappers/wrapper-registry.ts';
import { Pcg64 } from '../../../src/math/pcg64.ts';

const CHEETAH = 'HalfCheetah-v5';
const wish = (name: string, kwargs: Readonly<Record<string, unknown>>): WrapperWish => ({ name, kwargs });

/** Observations and rewards of `steps` random steps from seed 1. */
function play(env: Env, steps = 50): unknown[] {
  const rng = Pcg64.fromSeed(9);
  const { observation } = env.reset({ seed: 1 });
  const outcomes = Array.from({ length: steps }, () => {
    const action = Float32Array.from({ length: 6 }, () => rng.uniform(-1, 1));
    const { observation, reward } = env.step(action);
    return [observation, reward];
  });
  return [observation, ...outcomes];
}

async function played(wrappers: readonly WrapperWish[], id = CHEETAH): Promise<unknown[]> {
  using env = await make(id, { wrappers });
  return play(env);
}

const CHANGES: readonly [WrapperWish, neutral: WrapperWish][] = [
  [wish('ScaleMass', { scale: 1.5 }), wish('ScaleMass', { scale: 1 })],
  [wish('ScaleMass', { scale: 3, bodies: ['torso'] }), wish('ScaleMass', { scale: 1, bodies: ['torso'] })],
  [wish('ScaleDamping', { scale: 2 }), wish('ScaleDamping', { scale: 1 })],
  [wish('ScaleDamping', { scale: 0, joints: ['bthigh', 5] }), wish('ScaleDamping', { scale: 1, joints: [5] })],
  [wish('JointFriction', { friction: 5 }), wish('JointFriction', { friction: 0 })],
  [wish('SetGravity', { gravity: 1.62 }), wish('SetGravity', { gravity: 9.81 })],
  [wish('ScaleActuators', { scale: 0.5 }), wish('ScaleActuators', { scale: 1 })],
  [wish('ScaleActuators', { scale: 0, actuators: ['ffoot'] }), wish('ScaleActuators', { scale: 1 })],
  [wish('RandomPushes', { probability: 0.5, force: 100 }), wish('RandomPushes', { probability: 0 })],
  [wish('ActionDelay', { delay: 2 }), wish('ActionDelay', { delay: 0 })],
  [wish('ObservationNoise', { deviation: 0.1 }), wish('ObservationNoise', { deviation: 0 })],
];

for (const [perturbed, neutral] of CHANGES) {
  const title = `${perturbed.name} ${JSON.stringify(perturbed.kwargs)}`;
  test(`${title} changes the trajectory, the same for the same seed`, async () => {
    const first = await played([perturbed]);
    assert.deepEqual(await played([perturbed]), first);
    assert.notDeepEqual(first, await played([]));
  });

  test(`${neutral.name} ${JSON.stringify(neutral.kwargs)} leaves every byte as it is`, async () => {
    assert.deepEqual(await played([neutral]), await played([]));
  });
}

test('what is written into the model reads back, for one environment alone', async () => {
  const [own, other] = [await Simulation.create(HALF_CHEETAH_MJCF), await Simulation.create(HALF_CHEETAH_MJCF)];
  const compiled = other.modelArray('body_mass');
  let factor = 2;
  const refresh = own.addEdit(({ bodyMass, gravity }) => {
    bodyMass.set(bodyMass.map((mass) => mass * factor));
    gravity[2] = -1;
  });
  own.addEdit(({ bodyMass }) => {
    bodyMass[1] = (bodyMass[1] as number) + 1;
  });
  for (factor of [2, 3]) {
    refresh();
    own.reset();
    assert.deepEqual(
      own.modelArray('body_mass'),
      compiled.map((mass, i) => mass * factor + (i === 1 ? 1 : 0)),
    );
    assert.deepEqual(own.modelOption('gravity'), [0, 0, -1]);
    const total = own.modelArray('body_mass').reduce((sum, mass) => sum + mass);
    assert.ok(Math.abs((own.modelArray('body_subtreemass')[0] as number) - total) < 1e-12);
  }
  assert.deepEqual(other.modelArray('body_mass'), compiled);
  assert.deepEqual(other.modelOption('gravity'), [0, 0, -9.81]);
  own.close();
  other.close();
  assert.deepEqual(live, { models: 0, data: 0 });
});

test('without gravity what is thrown keeps its velocity', async () => {
  using env = await make('Ant-v5', {
    kwargs: { terminate_when_unhealthy: false, exclude_current_positions_from_observation: false },
    wrappers: [wish('SetGravity', { gravity: 0 })],
  });
  const height = (observation: unknown) => (observation as Float64Array)[2] as number;
  const start = height(env.reset({ seed: 4 }).observation);
  let result: StepResult | undefined;
  for (let i = 0; i < 40; i++) result = env.step(new Float32Array(8));
  assert.ok(Math.abs(height(result?.observation) - start) < 0.5);
  using falling = await make('Ant-v5', {
    kwargs: { terminate_when_unhealthy: false, exclude_current_positions_from_observation: false },
  });
  falling.reset({ seed: 4 });
  for (let i = 0; i < 40; i++) result = falling.step(new Float32Array(8));
  assert.ok(height(result?.observation) < start - 0.1);
});

test('a range gives each episode its own number, from the seed and not from the environment’s stream', async () => {
  const wrappers = [
    wish('ScaleMass', { scale: [0.5, 2] }),
    wish('ScaleDamping', { scale: [0.5, 2] }),
    wish('ActionDelay', { delay: [0, 3] }),
  ];
  using env = await make(CHEETAH, { wrappers });
  using plain = await make(CHEETAH);
  const drawn = (seed?: number) => {
    const { info, observation } = env.reset(seed === undefined ? {} : { seed });
    assert.deepEqual(observation, plain.reset(seed === undefined ? {} : { seed }).observation);
    return [info['mass_scale'], info['damping_scale'], info['action_delay']] as number[];
  };
  const episodes = [drawn(3), drawn(), drawn(), drawn()];
  assert.equal(new Set(episodes.map(([mass]) => mass)).size, 4);
  for (const [mass, damping, delay] of episodes as [number, number, number][]) {
    assert.notEqual(mass, damping);
    assert.ok(mass >= 0.5 && mass <= 2 && [0, 1, 2, 3].includes(delay));
  }
  assert.deepEqual([drawn(3), drawn(), drawn(), drawn()], episodes);
  assert.notDeepEqual(drawn(4), episodes[0]);
});

test('a reset that fails leaves the perturbed episode as it was', async () => {
  using env = await make(CHEETAH, { wrappers: [wish('ScaleMass', { scale: [0.5, 2] })] });
  env.reset({ seed: 3 });
  env.step(new Float32Array(6));
  const before = env.getState();
  assert.throws(() => env.reset({ options: { low: 1 } }), { code: 'invalid_request' });
  assert.deepEqual(env.getState(), before);
  const after = env.step(new Float32Array(6));
  env.setState(before);
  assert.deepEqual(env.step(new Float32Array(6)), after);
});

test('a snapshot carries the model into another environment, and a wrong one changes nothing', async () => {
  const wrappers = [wish('ScaleMass', { scale: [0.5, 2] }), wish('SetGravity', { gravity: [5, 15] })];
  using env = await make(CHEETAH, { wrappers });
  using other = await make(CHEETAH, { wrappers });
  env.reset({ seed: 3 });
  other.reset({ seed: 8 });
  const own = other.getState();
  assert.throws(
    () =>
      other.setState({
        ...env.getState(),
        phase: { shape: [1], data: Uint8Array.of(9) },
        'env/env/phase': { shape: [1], data: Uint8Array.of(9) },
      }),
    {
      code: 'checkpoint_incompatible',
    },
  );
  assert.deepEqual(other.getState(), own);
  other.setState(structuredClone(env.getState()));
  const action = Float32Array.of(1, -1, 1, -1, 1, -1);
  for (let i = 0; i < 30; i++) assert.deepEqual(other.step(action), env.step(action));
  assert.deepEqual(other.reset(), env.reset());
});

/** The arrays of the model after a reset of the half-cheetah inside of `wrappers`. */
async function modelOf(wrappers: readonly WrapperWish[]) {
  const bare = (await halfCheetah.make({})) as MujocoEnv;
  using env = wrapAll(bare, bare, wrappers);
  env.reset({ seed: 1 });
  const { simulation } = bare;
  const read = (name: Parameters<Simulation['modelArray']>[0]) => simulation.modelArray(name);
  return {
    mass: read('body_mass'),
    inertia: read('body_inertia'),
    damping: read('dof_damping'),
    friction: read('dof_frictionloss'),
    gain: read('actuator_gainprm').filter((_, i) => i % 10 === 0),
    gravity: simulation.modelOption('gravity') as number[],
    torso: simulation.bodyId('torso'),
  };
}

test('every perturbation reads back from the model, and leaves the rest of it', async () => {
  const plain = await modelOf([]);
  const { torso } = plain;
  assert.deepEqual(await modelOf([wish('ScaleMass', { scale: 2, bodies: ['torso'] })]), {
    ...plain,
    mass: plain.mass.map((mass, body) => (body === torso ? 2 * mass : mass)),
    inertia: plain.inertia.map((inertia, i) => (Math.floor(i / 3) === torso ? 2 * inertia : inertia)),
  });
  assert.deepEqual(await modelOf([wish('ScaleDamping', { scale: 0.5 })]), {
    ...plain,
    damping: plain.damping.map((damping) => damping * 0.5),
  });
  // The three degrees of freedom of the root have no motor.
  assert.deepEqual(await modelOf([wish('JointFriction', { friction: 2.5 })]), {
    ...plain,
    friction: plain.friction.map((_, dof) => (dof < 3 ? 0 : 2.5)),
  });
  assert.deepEqual(await modelOf([wish('ScaleActuators', { scale: 1.5, actuators: [0, 2] })]), {
    ...plain,
    gain: plain.gain.map((gain, id) => (id === 0 || id === 2 ? 1.5 * gain : gain)),
  });
  assert.deepEqual(await modelOf([wish('SetGravity', { gravity: 3.71 })]), { ...plain, gravity: [0, 0, -3.71] });
  assert.deepEqual(
    await modelOf([wish('ScaleMass', { scale: 2 }), wish('ScaleMass', { scale: 3 })]),
    await modelOf([wish('ScaleMass', { scale: 6 })]),
  );
});

test('motors of half the strength do with a control what whole ones do with half of it', async () => {
  using weak = await make(CHEETAH, { wrappers: [wish('ScaleActuators', { scale: 0.5 })] });
  using strong = await make(CHEETAH);
  assert.deepEqual(weak.reset({ seed: 2 }).observation, strong.reset({ seed: 2 }).observation);
  const rng = Pcg64.fromSeed(2);
  for (let i = 0; i < 50; i++) {
    const action = Float32Array.from({ length: 6 }, () => rng.uniform(-1, 1));
    assert.deepEqual(weak.step(action).observation, strong.step(action.map((x) => x / 2)).observation);
  }
});

test('a push lasts its steps with its force, in the plane that it may take', async () => {
  using env = await make('Ant-v5', {
    kwargs: { terminate_when_unhealthy: false },
    wrappers: [wish('RandomPushes', { probability: 1, force: [5, 50], duration: 3, direction: 'xy' })],
  });
  env.reset({ seed: 1 });
  const forces = Array.from({ length: 12 }, () => env.step(new Float32Array(8)).info['push_force'] as number[]);
  for (let i = 0; i < 12; i++) assert.deepEqual(forces[i], forces[i - (i % 3)], `step ${i}`);
  assert.equal(new Set(forces.map(String)).size, 4);
  for (const [x, y, z] of forces as [number, number, number][]) {
    assert.ok(Math.hypot(x, y) >= 5 && Math.hypot(x, y) <= 50);
    assert.equal(z, 0);
  }
});

test('what floats is carried along by a push', async () => {
  const push = wish('RandomPushes', { probability: 1, force: 20, duration: 1000, direction: 'x' });
  const kwargs = { terminate_when_unhealthy: false };
  using env = await make('Ant-v5', { kwargs, wrappers: [wish('SetGravity', { gravity: 0 }), push] });
  env.reset({ seed: 1 });
  let result = env.step(new Float32Array(8));
  for (let i = 0; i < 30; i++) result = env.step(new Float32Array(8));
  const [force] = result.info['push_force'] as [number];
  assert.ok((result.info['x_position'] as number) * Math.sign(force) > 0.5, JSON.stringify(result.info));
});

for (const [id, actions] of [
  ['Pendulum-v1', [0.5, -1, 2, 1].map((torque) => Float32Array.of(torque))],
  ['CartPole-v1', [1, 1, 0, 1]],
] as const) {
  test(`${id}: a delay of 2 steps is 2 actions of zero and then what was asked for`, async () => {
    using late = await make(id, { wrappers: [wish('ActionDelay', { delay: 2 })] });
    using env = await make(id);
    assert.deepEqual(late.reset({ seed: 1 }).observation, env.reset({ seed: 1 }).observation);
    const zero = typeof actions[0] === 'number' ? 0 : new Float32Array(1);
    for (const [i, action] of actions.entries()) assert.deepEqual(late.step(action), env.step(actions[i - 2] ?? zero));
  });
}

test('noise has the deviation that it is said to have, and no mean', async () => {
  using noisy = await make('Pendulum-v1', { wrappers: [wish('ObservationNoise', { deviation: 0.2 })] });
  using env = await make('Pendulum-v1');
  noisy.reset({ seed: 1 });
  env.reset({ seed: 1 });
  const errors = Array.from({ length: 190 }, () => {
    const [a, b] = [noisy, env].map((each) => each.step(Float32Array.of(0)).observation as Float32Array);
    return Array.from(a as Float32Array, (x, i) => x - (b?.[i] as number));
  }).flat();
  const mean = errors.reduce((sum, x) => sum + x) / errors.length;
  const deviation = Math.sqrt(errors.reduce((sum, x) => sum + (x - mean) ** 2, 0) / errors.length);
  // 570 normal numbers: five standard errors.
  assert.ok(Math.abs(mean) < 0.042 && Math.abs(deviation - 0.2) < 0.03, `${mean} ± ${deviation}`);
});
