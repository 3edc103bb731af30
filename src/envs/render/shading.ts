// What colour a point has: one lamp with a shadow, a little light from everywhere, a checkered floor, sky and haze.
// It runs once a pixel, so numbers go one by one: a vector for each would take most of the time.
import type { Color } from './image.ts';
import type { Lens } from './lens.ts';
import type { Geom, Scene } from './scene.ts';
import { Shadow } from './shadow.ts';
import { SHAPES } from './shapes.ts';
import { axis, unit, type Vector } from './vectors.ts';

/** The lamp stands high behind the shoulder of who looks along y, as most cameras do. */
const TOWARDS_LAMP = unit([-0.35, -0.5, 1]);
const AMBIENT = 0.48;
const DIFFUSE = 0.6;
const GLOSS = 0.22;
const GLOSS_POWER = 24;

const ZENITH: Color = [0.36, 0.55, 0.78];
const HORIZON: Color = [0.87, 0.91, 0.95];
const FIELDS: readonly [Color, Color] = [
  [0.33, 0.42, 0.52],
  [0.26, 0.34, 0.44],
];

interface Surface {
  readonly geom: Geom;
  readonly axes: readonly [Vector, Vector, Vector];
}

export class Shading {
  readonly #surfaces: readonly Surface[];
  readonly #fieldSize: number;
  readonly #sight: number;
  readonly #shadow: Shadow | null;
  readonly #position: Vector;
  readonly #forward: Vector;
  readonly #across: Vector;
  readonly #along: Vector;
  /** What a pixel spans at depth 1. */
  readonly #pixel: number;
  /** Sum of what was added and not taken. */
  #red = 0;
  #green = 0;
  #blue = 0;

  constructor(scene: Scene, lens: Lens, height: number) {
    this.#surfaces = scene.geoms.map((geom) => {
      const { rotation } = geom;
      return { geom, axes: [axis(rotation, 0), axis(rotation, 1), axis(rotation, 2)] };
    });
    this.#fieldSize = scene.fieldSize;
    this.#sight = scene.sight;
    this.#shadow = Shadow.of(scene.geoms, TOWARDS_LAMP);
    this.#position = lens.position;
    this.#forward = lens.forward;
    this.#across = lens.right.map((x) => x * lens.halfWidth) as unknown as Vector;
    this.#along = lens.up.map((x) => x * lens.halfHeight) as unknown as Vector;
    this.#pixel = (2 * lens.halfHeight) / height;
  }

  /** Adds `share` of the colour at (a, b) of the picture, where geom `index` stands `depth` away; −1 is the sky. */
  add(share: number, a: number, b: number, index: number, depth: number): void {
    const rayX = this.#forward[0] + a * this.#across[0] + b * this.#along[0];
    const rayY = this.#forward[1] + a * this.#across[1] + b * this.#along[1];
    const rayZ = this.#forward[2] + a * this.#across[2] + b * this.#along[2];
    const rayLength = Math.sqrt(rayX * rayX + rayY * rayY + rayZ * rayZ);
    const surface = this.#surfaces[index];
    if (surface === undefined) {
      const height = Math.sqrt(Math.max(0, rayZ / rayLength));
      this.#red += share * (HORIZON[0] + height * (ZENITH[0] - HORIZON[0]));
      this.#green += share * (HORIZON[1] + height * (ZENITH[1] - HORIZON[1]));
      this.#blue += share * (HORIZON[2] + height * (ZENITH[2] - HORIZON[2]));
      return;
    }
    const { geom, axes } = surface;
    const x = this.#position[0] + depth * rayX;
    const y = this.#position[1] + depth * rayY;
    const z = this.#position[2] + depth * rayZ;
    const fromX = x - geom.position[0];
    const fromY = y - geom.position[1];
    const fromZ = z - geom.position[2];
    const localX = fromX * axes[0][0] + fromY * axes[0][1] + fromZ * axes[0][2];
    const localY = fromX * axes[1][0] + fromY * axes[1][1] + fromZ * axes[1][2];
    const isFloor = geom.shape === 'plane';
    const normal = isFloor ? axes[2] : normalAt(surface, localX, localY, fromX, fromY, fromZ);

    const facing = normal[0] * TOWARDS_LAMP[0] + normal[1] * TOWARDS_LAMP[1] + normal[2] * TOWARDS_LAMP[2];
    const light = facing > 0 ? (this.#shadow?.light(x, y, z, normal) ?? 1) : 0;
    const brightness = AMBIENT * (0.8 + 0.2 * normal[2]) + DIFFUSE * facing * light;
    let shine = 0;
    if (!isFloor && light > 0) {
      const middleX = TOWARDS_LAMP[0] - rayX / rayLength;
      const middleY = TOWARDS_LAMP[1] - rayY / rayLength;
      const middleZ = TOWARDS_LAMP[2] - rayZ / rayLength;
      const middle = Math.sqrt(middleX * middleX + middleY * middleY + middleZ * middleZ);
      const cosine = (normal[0] * middleX + normal[1] * middleY + normal[2] * middleZ) / middle;
      shine = GLOSS * light * Math.max(0, cosine) ** GLOSS_POWER;
    }
    let field = 0;
    if (isFloor) {
      const slant = -(rayX * normal[0] + rayY * normal[1] + rayZ * normal[2]) / rayLength;
      // The floor that a pixel covers, in fields.
      const footprint = (depth * this.#pixel) / Math.max(0.02, slant) / this.#fieldSize;
      field = 0.5 - 0.5 * wave(localX / this.#fieldSize, footprint) * wave(localY / this.#fieldSize, footprint);
    }
    const far = depth / this.#sight;
    const haze = 1 - Math.exp(-far * far);
    const bright = FIELDS[0];
    const dark = FIELDS[1];
    const red = isFloor ? bright[0] + field * (dark[0] - bright[0]) : geom.color[0];
    const green = isFloor ? bright[1] + field * (dark[1] - bright[1]) : geom.color[1];
    const blue = isFloor ? bright[2] + field * (dark[2] - bright[2]) : geom.color[2];
    const clear = share * (1 - haze);
    this.#red += clear * Math.min(1, red * brightness + shine) + share * haze * HORIZON[0];
    this.#green += clear * Math.min(1, green * brightness + shine) + share * haze * HORIZON[1];
    this.#blue += clear * Math.min(1, blue * brightness + shine) + share * haze * HORIZON[2];
  }

  /** Writes the sum at `index` of `data` and begins another. */
  take(data: Uint8ClampedArray, index: number): void {
    data[index] = 255 * this.#red;
    data[index + 1] = 255 * this.#green;
    data[index + 2] = 255 * this.#blue;
    this.#red = 0;
    this.#green = 0;
    this.#blue = 0;
  }
}

/** Of length 1, in the world. */
function normalAt({ geom, axes }: Surface, localX: number, localY: number, x: number, y: number, z: number): Vector {
  const localZ = x * axes[2][0] + y * axes[2][1] + z * axes[2][2];
  const [p, q, r] = SHAPES[geom.shape].normal([localX, localY, localZ], geom.size);
  return unit([
    p * axes[0][0] + q * axes[1][0] + r * axes[2][0],
    p * axes[0][1] + q * axes[1][1] + r * axes[2][1],
    p * axes[0][2] + q * axes[1][2] + r * axes[2][2],
  ]);
}

/**
 * A square wave of period 2 averaged over `width`, and blurred into nothing where that is wider than a field:
 * https://iquilezles.org/articles/checkerfiltering/.
 */
function wave(x: number, width: number): number {
  const w = Math.max(width, 1e-3);
  return ((triangle(x + w / 2) - triangle(x - w / 2)) / w) * Math.min(1, 1 / (w * w));
}

function triangle(x: number): number {
  return 1 - Math.abs(x - 2 * Math.floor(x / 2) - 1);
}
