import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluationTable, joinParts, prefixTable } from '../../scripts/study/metric-table.ts';
import type { MetricSeries } from '../../scripts/study/resources.ts';
import { runningSeconds } from '../../scripts/study/running-time.ts';

const series = (key: string, ...points: [number, number | string][]): MetricSeries => ({ key, points });
const FIRST = [
  series('alpha', [500, 0.9]),
  series('eval/length_mean', [0, 200], [500, 200]),
  series('eval/return_mean', [0, -1300.5], [500, -1200]),
  series('rollout/return', [200, -1100], [400, -1000]),
];
const SECOND = [
  series('alpha', [1000, 'NaN']),
  series('eval/length_mean', [1000, 150]),
  series('eval/return_mean', [1000, -900]),
];

test('a table has a row for each evaluation: what was measured then, or else the newest since the row before', () => {
  const table = evaluationTable(
    joinParts([
      { from: 0, series: FIRST },
      { from: 500, series: SECOND },
    ]),
  );
  assert.equal(
    table,
    [
      'timesteps,eval/return_mean,eval/length_mean,alpha,rollout/return',
      '0,-1300.5,200,,',
      '500,-1200,200,0.9,-1000',
      '1000,-900,150,NaN,',
      '',
    ].join('\n'),
  );
});

test('of a job that failed only what its successor began from counts', () => {
  const failed = [series('alpha', [500, 1], [1000, 2], [1500, 3])];
  const again = [series('alpha', [1500, 4])];
  const table = prefixTable(
    joinParts([
      { from: 0, series: failed },
      { from: 1000, series: again },
    ]),
    2000,
  );
  assert.equal(table, 'key,timesteps,value\nalpha,500,1\nalpha,1000,2\nalpha,1500,4\n');
});

test('the prefix ends where it is told to', () => {
  const table = prefixTable(joinParts([{ from: 0, series: FIRST }]), 400);
  assert.deepEqual(table.trim().split('\n').slice(1), [
    'eval/return_mean,0,-1300.5',
    'eval/length_mean,0,200',
    'rollout/return,200,-1100',
    'rollout/return,400,-1000',
  ]);
});

test('the time of a job leaves out what passed between a kill and the next start', () => {
  const at = (second: number, type: string, data = {}) => ({
    type,
    time: new Date(second * 1000).toISOString(),
    data,
  });
  const events = [
    at(0, 'job.state', { state: 'queued' }),
    at(5, 'job.state', { state: 'running' }),
    at(15, 'job.metrics'),
    at(1000, 'job.state', { state: 'queued', reason: 'server_restarted' }),
    at(1001, 'job.state', { state: 'running' }),
    at(1021, 'job.state', { state: 'succeeded' }),
    at(1021, 'job.done'),
  ];
  assert.equal(runningSeconds(events), 30);
});
