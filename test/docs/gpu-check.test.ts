// scripts/gpu-check.sh where there is no GPU, which is where most people meet it first.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../support/temporary-folder.ts';

test('without a GPU the check says so, ends well, and writes what could not be checked', () => {
  const folder = temporaryFolder();
  // Before the one of a machine that has a GPU.
  const smi = join(folder, 'nvidia-smi');
  writeFileSync(smi, '#!/bin/sh\necho "it could not communicate with the driver"\nexit 9\n');
  chmodSync(smi, 0o755);
  const output = join(folder, 'gpu-check.json');
  const PATH = `${folder}:${process.env['PATH']}`;
  const run = spawnSync('bash', ['scripts/gpu-check.sh', '--output', output], {
    encoding: 'utf8',
    env: { ...process.env, PATH, GYMSERVE_GPU_CHECK_ENGINES: '' },
  });
  assert.equal(run.status, 0, run.stderr);
  assert.match(run.stderr, /finds no GPU: it could not communicate with the driver/);
  const report = JSON.parse(readFileSync(output, 'utf8')) as {
    gpu: unknown;
    engines: { name: string; available: boolean; reason: string; conformance: unknown }[];
  };
  assert.equal(report.gpu, null);
  assert.deepEqual(
    report.engines.map(({ name, available, conformance }) => [name, available, conformance]),
    [
      ['onnx-webgpu', false, null],
      ['onnx-cuda', false, null],
      ['tfjs-node-gpu', false, null],
    ],
  );
  for (const { name, reason } of report.engines) {
    assert.match(reason, /^No NVIDIA GPU was found/);
    assert.ok(run.stdout.includes(`${name}: not checked. ${reason}\n`), run.stdout);
  }
});

test('where npm fails, as without a network, the check goes on with what there is, and writes what it found', () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'npm'), '#!/bin/sh\necho "there is no network"\nexit 1\n', { mode: 0o755 });
  const output = join(folder, 'gpu-check.json');
  // No engine has that name, so nothing is run for minutes.
  const env = { ...process.env, PATH: `${folder}:${process.env['PATH']}`, GYMSERVE_GPU_CHECK_ENGINES: 'abacus' };
  const run = spawnSync('bash', ['scripts/gpu-check.sh', '--output', output], { encoding: 'utf8', env });
  assert.equal(run.status, 0, run.stderr);
  assert.match(run.stderr, /there is no network\n== It failed, with exit code 1; going on\./);
  const { engines } = JSON.parse(readFileSync(output, 'utf8')) as { engines: { name: string; reason: string }[] };
  assert.match(engines.find(({ name }) => name === 'abacus')?.reason ?? '', /^There is no engine "abacus"/);
});
