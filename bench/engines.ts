// Updates a second of every engine that works here, by width of the networks and form of SAC: the table of docs/engines.md.
// node dist/bench/engines.js [--engines native,onnx-cpu,…] [--threads 1,2] [--hidden 64,256,400] [--variants v2,v1] [--batch 256]
import { readFlags } from '../scripts/flags.ts';
import { Engines } from '../src/compute/engines.ts';
import { loadConfig } from '../src/config.ts';
import { graphOf, measure } from './updates.ts';

/** Oracles, not for training. */
const UNTIMED = ['reference'];
/** These take no threads from `--threads`: one row each. */
const ON_ONE_THREAD = ['tfjs-wasm', 'tfjs-cpu', 'onnx-webgpu', 'onnx-cuda', 'tfjs-node-gpu'];

const list = (text: string): string[] => text.split(',').filter((word) => word !== '');

const values = readFlags({
  engines: { type: 'string' },
  threads: { type: 'string', default: '1,2' },
  hidden: { type: 'string', default: '64,256,400' },
  variants: { type: 'string', default: 'v2,v1' },
  batch: { type: 'string', default: '256' },
});
const settings = loadConfig([]).engines;
const engines = new Engines(settings);
const known = await engines.list();
const chosen = values.engines === undefined ? known.map(({ name }) => name) : list(values.engines);
const columns = list(values.variants).flatMap((variant) => list(values.hidden).map((width) => ({ variant, width })));

const row = (cells: readonly string[]): void => console.log(`| ${cells.join(' | ')} |`);
row(['engine', 'threads', ...columns.map(({ variant, width }) => `${variant}, ${width}×${width}`)]);
row(['---', '---', ...columns.map(() => '---')]);
for (const name of chosen) {
  if (UNTIMED.includes(name)) continue;
  const info = known.find((one) => one.name === name);
  if (info?.available === false) {
    console.error(`${name} does not work here: ${info.reason}`);
    continue;
  }
  const engine = await engines.find(name);
  for (const threads of ON_ONE_THREAD.includes(name) ? ['1'] : list(values.threads)) {
    const cells: string[] = [];
    for (const { variant, width } of columns) {
      const graph = graphOf({ variant, hidden: `${width},${width}`, batch: values.batch });
      // Without the compiler: the peak of the processor is not what is asked here.
      const { updates_per_s } = await measure(engine, { variant, graph }, Number(threads), null);
      cells.push(String(updates_per_s));
    }
    row([name, ON_ONE_THREAD.includes(name) ? '–' : threads, ...cells]);
  }
}
