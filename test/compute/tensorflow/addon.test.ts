// What is said of an addon that is there and does not serve, on any machine: a fake one lies where Node looks last, in the home folder.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { absentAddon } from '../../../src/compute/tensorflow/addon.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const NAME = '@tensorflow/tfjs-node-gpu';
const SCRIPT = fileURLToPath(new URL('../../../src/compute/check-engine.js', import.meta.url));
const SETTINGS = JSON.stringify({ compiler: 'off', cacheDirectory: '', dumpDirectory: null });
const HEADERS = join(dirname(createRequire(import.meta.url).resolve('node-api-headers')), 'include');

/** A real one would be found first. */
const skip = absentAddon(NAME) === `${NAME} is not installed.` ? false : `${NAME} is here`;
const compiler = ['cc', 'gcc', 'clang'].find((command) => spawnSync(command, ['--version']).status === 0);

/** What the check of the engine says of the package in that version, whose native part `build` puts there. */
function verdict(version: string, build: (addon: string) => void): { readonly reason: string; readonly code: unknown } {
  const home = temporaryFolder();
  const directory = join(home, '.node_modules', NAME);
  const library = join(directory, 'lib', 'napi-v8');
  mkdirSync(library, { recursive: true });
  writeFileSync(join(directory, 'package.json'), JSON.stringify({ name: NAME, version }));
  build(join(library, 'tfjs_binding.node'));
  const env = { ...process.env, HOME: home, USERPROFILE: home };
  const child = spawnSync(process.execPath, [SCRIPT, 'tfjs-node-gpu', SETTINGS], { env, encoding: 'utf8' });
  return { reason: child.stdout.trim(), code: child.status ?? child.signal };
}

test('an addon that is no library does not load, and is named', { skip }, () => {
  const { reason, code } = verdict('4.22.0', (addon) => writeFileSync(addon, 'garbage'));
  assert.match(reason, /^\S+tfjs-node-gpu\/lib\/napi-v8\/tfjs_binding\.node does not load: /);
  assert.equal(code, 1);
});

test('a package of another version is not loaded: what was found and what is wanted', { skip }, () => {
  const { reason, code } = verdict('3.21.1', (addon) => writeFileSync(addon, 'garbage'));
  assert.match(reason, /^@tensorflow\/tfjs-node-gpu 3\.21\.1 lies in \S+; this server works with 4\.22\.0 alone\.$/);
  assert.equal(code, 1);
});

test('an addon that finds no GPU is refused: it would compute on the processor in silence', {
  skip: skip || (compiler === undefined && 'no C compiler'),
}, () => {
  const { reason, code } = verdict('4.22.0', (addon) => {
    const source = `${addon}.c`;
    writeFileSync(source, WITHOUT_GPU);
    const linking = process.platform === 'darwin' ? ['-undefined', 'dynamic_lookup'] : [];
    execFileSync(compiler as string, ['-shared', '-fPIC', `-I${HEADERS}`, ...linking, '-o', addon, source]);
  });
  assert.equal(reason, '@tensorflow/tfjs-node-gpu 4.22.0 loads but found no GPU.');
  assert.equal(code, 1);
});

const WITHOUT_GPU = `
#include <node_api.h>

static napi_value is_using_gpu_device(napi_env env, napi_callback_info info) {
  napi_value no;
  napi_get_boolean(env, false, &no);
  return no;
}

NAPI_MODULE_INIT() {
  napi_value function;
  napi_create_function(env, "isUsingGpuDevice", NAPI_AUTO_LENGTH, is_using_gpu_device, NULL, &function);
  napi_set_named_property(env, exports, "isUsingGpuDevice", function);
  return exports;
}
`;
