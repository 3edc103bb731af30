import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { RealContext } from '../../support/real-servers.ts';
import { SMALL } from '../../support/real-servers.ts';

/** What a training or an evaluation can be asked for, beyond a number of steps. */
export function trainingOptionCases({ http }: RealContext): void {
  const agentOf = async (hyperparameters: object = {}, specId = 'Pendulum-v1'): Promise<string> =>
    (
      await http
        .post('/v1/agents')
        .send({ algorithm: 'sac', spec_id: specId, seed: 3, hyperparameters: { ...SMALL, ...hyperparameters } })
        .expect(201)
    ).body.id;
  const ended = async (path: string, request: object) => {
    const { body } = await http.post(path).send(request).expect(202);
    const job = (await http.get(`/v1/jobs/${body.id}?wait=60s`).expect(200)).body;
    assert.equal(job.state, 'succeeded', JSON.stringify(job.error));
    return job;
  };
  const train = async (agent: string, request: object) => await ended(`/v1/agents/${agent}/train`, request);
  const curves = async (job: string): Promise<Record<string, [number, number][]>> =>
    Object.fromEntries(
      (await http.get(`/v1/jobs/${job}/metrics`).expect(200)).body.data.map(
        ({ key, points }: { key: string; points: [number, number][] }) => [key, points],
      ),
    );

  /** The checkpoint that an agent was made with. */
  const firstOf = async (agent: string): Promise<string> =>
    (await http.get(`/v1/agents/${agent}/checkpoints`).expect(200)).body.data.find(
      ({ timesteps }: { timesteps: number }) => timesteps === 0,
    ).id;

  for (const variant of ['v1', 'v2']) {
    test(`SAC ${variant} trains with every option at once, and every metric stands in the glossary`, async () => {
      const agent = await agentOf({
        variant,
        n_critics: 3,
        activation: 'tanh',
        layer_norm: 'critics',
        n_steps: 3,
        target_update: 'hard',
        target_update_interval: 20,
        policy_delay: 2,
        max_gradient_norm: 10,
        observation_normalization: true,
        reward_normalization: 'automatic',
        exploration_noise: 'ornstein_uhlenbeck',
        learning_rate: [
          [0, 1e-3],
          [500, 1e-4],
        ],
        gradient_steps: -1,
      });
      const job = await train(agent, {
        total_timesteps: 600,
        num_envs: 4,
        evaluation: { every_timesteps: 300, episodes: 1 },
      });
      assert.deepEqual(job.result, { outcome: 'finished' });
      assert.equal(job.config.num_envs, 4);
      // 600 transitions, of which those from the 52nd on (the first multiple of four above 50) made an update each.
      assert.deepEqual([job.progress.timesteps, job.progress.updates], [600, 600 - 48]);
      const metrics = await curves(job.id);
      const glossary = readFileSync('docs/metrics.md', 'utf8');
      for (const key of Object.keys(metrics))
        assert.ok(glossary.includes(`\`${key}\``), `${key} is not in docs/metrics.md`);
      assert.deepEqual(
        metrics['eval/return_mean']?.map(([step]) => step),
        [0, 300, 600],
      );
      const { body } = await http
        .post(`/v1/agents/${agent}/act`)
        .send({ observation: [1, 0, 0] })
        .expect(200);
      assert.equal(body.action.length, 1);
    });
  }

  test('training ends at its target return, or when it stops getting better', async () => {
    const agent = await agentOf();
    const evaluation = { every_timesteps: 50, episodes: 1 };
    const reached = await train(agent, { total_timesteps: 5000, evaluation: { ...evaluation, target_return: -1e6 } });
    assert.deepEqual(reached.result, { outcome: 'target_reached' });
    assert.equal(reached.progress.timesteps, 0);
    const frozen = await agentOf({ learning_rate: 0 });
    const bored = await train(frozen, { total_timesteps: 5000, evaluation: { ...evaluation, patience: 3 } });
    assert.deepEqual(bored.result, { outcome: 'no_improvement' });
    assert.equal(bored.progress.timesteps, 150);
  });

  test('an agent starts from the published settings of its environment, unless told otherwise', async () => {
    const of = async (hyperparameters: object, specId = 'MountainCarContinuous-v0') =>
      (await http.post('/v1/agents').send({ algorithm: 'sac', spec_id: specId, hyperparameters }).expect(201)).body
        .hyperparameters;
    const preset = await of({});
    assert.deepEqual([preset.batch_size, preset.hidden_sizes, preset.temperature], [512, [64, 64], 0.1]);
    assert.equal((await of({ batch_size: 8 })).batch_size, 8);
    assert.equal((await of({ preset: 'none' })).batch_size, 256);
    assert.equal((await of({ variant: 'v1' }, 'Hopper-v5')).reward_scale, 5);
  });

  test('an evaluation tells how the return degrades under perturbations', async () => {
    const agent = await agentOf();
    const path = `/v1/agents/${agent}/evaluate`;
    const perturbations = [
      { name: 'ObservationNoise', kwargs: { deviation: 0 } },
      { name: 'ObservationNoise', kwargs: { deviation: 0.5 } },
      { name: 'ActionDelay', kwargs: { delay: 3 } },
    ];
    const { result, progress } = await ended(path, { episodes: 2, seed: 5, perturbations });
    assert.equal(progress.episodes, 8);
    assert.equal(progress.fraction, 1);
    assert.deepEqual(
      result.perturbations.map(({ name, kwargs }: { name: string; kwargs: object }) => ({ name, kwargs })),
      perturbations,
    );
    const [none, noise, delay] = result.perturbations;
    assert.deepEqual(none.returns, result.returns, 'noise of zero changes nothing');
    assert.notDeepEqual(noise.returns, result.returns);
    assert.notDeepEqual(delay.returns, result.returns);

    const refused = async (wish: object, status: number) =>
      (
        await http
          .post(path)
          .send({ episodes: 1, perturbations: [wish] })
          .expect(status)
      ).body;
    assert.match((await refused({ name: 'ActionDela' }, 422)).detail, /Did you mean "ActionDelay"/);
    assert.equal((await refused({ name: 'ActionDelay', kwargs: { dealy: 2 } }, 422)).code, 'invalid_kwargs');
    assert.match((await refused({ name: 'FrameStackObservation' }, 422)).detail, /changes the spaces of Pendulum-v1/);
    assert.match((await refused({ name: 'SetGravity' }, 422)).detail, /SetGravity changes a MuJoCo model/);
  });

  test('an agent trains under perturbations and is evaluated without', async () => {
    const agent = await agentOf({ learning_rate: 0 });
    const request = { total_timesteps: 200, seed: 9, evaluation: { every_timesteps: 200, episodes: 1 } };
    const scaled = { ...request, wrappers: [{ name: 'TransformReward', kwargs: { scale: 10 } }] };
    const returns = async (wanted: object) => {
      const { id, config } = await train(agent, wanted);
      const { 'rollout/return': rollout, 'eval/return_mean': evaluation } = await curves(id);
      return { rollout: rollout?.at(-1)?.[1] ?? 0, evaluation: evaluation?.at(-1)?.[1] ?? 0, config };
    };
    const plain = await returns(request);
    await http
      .post(`/v1/agents/${agent}/restore`)
      .send({ checkpoint_id: await firstOf(agent) })
      .expect(200);
    const transformed = await returns(scaled);
    assert.deepEqual(transformed.config.wrappers, scaled.wrappers);
    assert.ok(Math.abs(transformed.rollout - 10 * plain.rollout) < 1e-6 * Math.abs(plain.rollout));
    assert.equal(transformed.evaluation, plain.evaluation);
    const wrong = { ...request, wrappers: [{ name: 'TransformRewar' }] };
    const { body } = await http.post(`/v1/agents/${agent}/train`).send(wrong).expect(422);
    assert.equal(body.code, 'invalid_wrapper');
  });

  test('the metrics of a job are a TensorBoard event file too', async () => {
    const job = await train(await agentOf(), { total_timesteps: 600 });
    const response = await http.get(`/v1/jobs/${job.id}/metrics.tfevents`).expect(200);
    assert.match(String(response.headers['content-disposition']), new RegExp(`events.out.tfevents.${job.id}`));
    const file = response.body as Buffer;
    // The first record, by hand: 24 bytes of Event {wall_time, file_version: "brain.Event:2"}.
    assert.equal(file.readBigUInt64LE(0), 24n);
    assert.equal(file.toString('latin1', 12 + 9 + 2, 12 + 24), 'brain.Event:2');
    let records = 0;
    for (let at = 0; at < file.length; at += 16 + Number(file.readBigUInt64LE(at))) records += 1;
    const points = Object.values(await curves(job.id)).flat().length;
    assert.equal(records, 1 + points);
  });
}
