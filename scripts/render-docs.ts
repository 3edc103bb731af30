// Draws the pictures of README.md into docs/images, the same bytes each time: `npm run build`, then
// `node dist/scripts/render-docs.js`.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Env } from '../src/envs/env.ts';
import { make } from '../src/envs/registry.ts';
import type { Image } from '../src/envs/render/image.ts';
import { encodeAnimation, encodePng } from '../src/envs/render/png.ts';

const FOLDER = 'docs/images';
const MAX_BYTES = 60_000;

type Control = (step: number, env: Env) => Float32Array;

/** The environment after `steps` steps. */
async function after(id: string, steps: number, control: Control): Promise<Env> {
  const env = await make(id);
  env.reset({ seed: 42 });
  for (let step = 0; step < steps; step++) env.step(control(step, env));
  return env;
}

/** Hind and fore legs swing against each other. */
const gallop: Control = (step) =>
  Float32Array.from(
    { length: 6 },
    (_, joint) => 0.7 * Math.sin(0.55 * step + 0.9 * (joint % 3) + (joint < 3 ? 0 : 2.4)),
  );

const stand: Control = () => new Float32Array(17);

async function halfCheetah(): Promise<Buffer> {
  using env = await after('HalfCheetah-v5', 7, gallop);
  return encodePng(env.render({ width: 400, height: 240, azimuth: 65, elevation: -14, distance: 2.5 }));
}

async function humanoid(): Promise<Buffer> {
  using env = await after('Humanoid-v5', 4, stand);
  return encodePng(env.render({ width: 240, height: 240, azimuth: 140, elevation: -12, distance: 2.9 }));
}

/** A swing up: the motor pushes the way that the pendulum moves. */
async function pendulum(): Promise<Buffer> {
  using env = await make('Pendulum-v1');
  env.reset({ seed: 3 });
  let velocity = 0;
  const images: Image[] = [];
  for (let step = 0; step < 64; step++) {
    const { observation } = env.step(Float32Array.of(velocity < 0 ? -2 : 2));
    velocity = (observation as Float32Array)[2] as number;
    if (step % 2 === 0) images.push(env.render({ width: 240, height: 240 }));
  }
  // Every other of the steps of 0.05 s.
  return encodeAnimation(images, { framesPerSecond: 10 });
}

mkdirSync(FOLDER, { recursive: true });
for (const [name, draw] of Object.entries({ 'half-cheetah': halfCheetah, humanoid, pendulum })) {
  const file = await draw();
  if (file.length > MAX_BYTES) throw new Error(`${name}.png has ${file.length} bytes; ${MAX_BYTES} is the most.`);
  writeFileSync(join(FOLDER, `${name}.png`), file);
  process.stdout.write(`${name}.png: ${file.length} bytes\n`);
}
