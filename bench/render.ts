// How long a picture takes, of every environment as large as Gymnasium draws it: drawing alone, and with its PNG.
//   npm run --silent bench -- render --json [--frames N] [--spec HalfCheetah-v5]
import { readFlags } from '../scripts/flags.ts';
import { make, specs } from '../src/envs/registry.ts';
import { encodePng } from '../src/envs/render/png.ts';
import { Pcg64 } from '../src/math/pcg64.ts';

const values = readFlags({
  frames: { type: 'string', default: '20' },
  spec: { type: 'string' },
  json: { type: 'boolean', default: false },
});
const frames = Number(values.frames);

for (const { id } of specs().filter((spec) => values.spec === undefined || spec.id === values.spec)) {
  using env = await make(id);
  const actions = Pcg64.fromSeed(0);
  env.reset({ seed: 0 });
  const drawn: number[] = [];
  const encoded: number[] = [];
  const sizes: number[] = [];
  // The first pictures are drawn by code that is not optimised yet.
  for (let frame = -5; frame < frames; frame++) {
    const { terminated, truncated } = env.step(env.actionSpace.sample(actions));
    if (terminated || truncated) env.reset();
    const start = performance.now();
    const image = env.render();
    const between = performance.now();
    const file = encodePng(image);
    if (frame < 0) continue;
    drawn.push(between - start);
    encoded.push(performance.now() - between);
    sizes.push(file.length);
  }
  const { width, height } = env.render();
  const row = { spec: id, width, height, draw_ms: median(drawn), png_ms: median(encoded), png_bytes: median(sizes) };
  const line = `${id.padEnd(26)} ${width} × ${height}  ${row.draw_ms.toFixed(1)} ms + ${row.png_ms.toFixed(1)} ms`;
  process.stdout.write(`${values.json ? JSON.stringify(row) : line}\n`);
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}
