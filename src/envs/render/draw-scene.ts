// A scene as a picture: 2 × 2 samples see, and where all of a pixel see one thing its colour is found once.
import type { Image } from './image.ts';
import type { Lens } from './lens.ts';
import type { Scene } from './scene.ts';
import { Shading } from './shading.ts';
import { Looking } from './visibility.ts';

/** Rows of pixels that are drawn together. */
const BAND = 8;

/** Plain arithmetic in one order: the same scene gives the same bytes. */
export function drawScene(scene: Scene, lens: Lens, width: number, height: number): Image {
  const looking = new Looking(scene.geoms, lens, 2 * width, 2 * height, 2 * BAND);
  const shading = new Shading(scene, lens, height);
  const data = new Uint8ClampedArray(3 * width * height);
  for (let top = 0; top < height; top += BAND) {
    const { geom, depth } = looking.band(2 * top);
    for (let y = top; y < Math.min(top + BAND, height); y++) {
      for (let x = 0; x < width; x++) {
        const upper = 4 * (y - top) * width + 2 * x;
        const lower = upper + 2 * width;
        const index = geom[upper] as number;
        if (index === geom[upper + 1] && index === geom[lower] && index === geom[lower + 1]) {
          const sum =
            (depth[upper] as number) +
            (depth[upper + 1] as number) +
            (depth[lower] as number) +
            (depth[lower + 1] as number);
          shading.add(1, (2 * x + 1) / width - 1, 1 - (2 * y + 1) / height, index, sum / 4);
        } else {
          for (let sample = 0; sample < 4; sample++) {
            const place = sample < 2 ? upper + sample : lower + sample - 2;
            const a = (4 * x + 2 * (sample % 2) + 1) / (2 * width) - 1;
            const b = 1 - (4 * y + 2 * (sample >> 1) + 1) / (2 * height);
            shading.add(1 / 4, a, b, geom[place] as number, depth[place] as number);
          }
        }
        shading.take(data, 3 * (y * width + x));
      }
    }
  }
  return { width, height, data: new Uint8Array(data.buffer) };
}
