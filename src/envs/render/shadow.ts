// Where the lamp's light is blocked: what the lamp sees, looked up. Edges are softened over one texel.
import { type Lens, lampOver } from './lens.ts';
import type { Geom } from './scene.ts';
import { SHAPES } from './shapes.ts';
import { add, dot, type Vector } from './vectors.ts';
import { Looking, type Visible } from './visibility.ts';

const TEXELS = 512;
/** In texels: how far a surface must lie behind another to be in its shadow; less shows the texels' own steps. */
const TOLERANCE = 2.5;

export class Shadow {
  readonly #lamp: Lens;
  readonly #seen: Visible;
  readonly #tolerance: number;

  private constructor(lamp: Lens, casting: readonly Geom[]) {
    this.#lamp = lamp;
    this.#seen = new Looking(casting, lamp, TEXELS, TEXELS, TEXELS).band(0);
    this.#tolerance = (TOLERANCE * 2 * lamp.halfWidth) / TEXELS;
  }

  /** Of every geom that has bounds; null where none has. */
  static of(geoms: readonly Geom[], towardsLamp: Vector): Shadow | null {
    const casting = geoms.filter(({ shape }) => SHAPES[shape].hull !== null);
    if (casting.length === 0) return null;
    const balls = casting.map(({ shape, size, position }) => {
      const hull = SHAPES[shape].hull?.(size);
      return { position, reach: hull ? hull.radius + Math.max(...hull.centers) : 0 };
    });
    const middle = [0, 1, 2].map((i) => {
      const low = Math.min(...balls.map(({ position, reach }) => (position[i] as number) - reach));
      const high = Math.max(...balls.map(({ position, reach }) => (position[i] as number) + reach));
      return (low + high) / 2;
    }) as unknown as Vector;
    const radius = Math.max(
      ...balls.map(({ position, reach }) => {
        const away = add(position, middle, -1);
        return Math.sqrt(dot(away, away)) + reach;
      }),
    );
    return new Shadow(lampOver(towardsLamp, middle, radius), casting);
  }

  /** How much of the lamp's light reaches the point, from 0 to 1; `normal` is the surface's there, of length 1. */
  light(x: number, y: number, z: number, normal: Vector): number {
    const { position, forward, right, up, halfWidth } = this.#lamp;
    const lift = this.#tolerance / 2;
    const fromX = x + lift * normal[0] - position[0];
    const fromY = y + lift * normal[1] - position[1];
    const fromZ = z + lift * normal[2] - position[2];
    const column = ((fromX * right[0] + fromY * right[1] + fromZ * right[2]) / halfWidth + 1) * (TEXELS / 2) - 0.5;
    const row = (1 - (fromX * up[0] + fromY * up[1] + fromZ * up[2]) / halfWidth) * (TEXELS / 2) - 0.5;
    if (!(column >= 0 && row >= 0 && column < TEXELS - 1 && row < TEXELS - 1)) return 1;
    const least = fromX * forward[0] + fromY * forward[1] + fromZ * forward[2] - this.#tolerance;
    const at = Math.floor(row) * TEXELS + Math.floor(column);
    const { depth } = this.#seen;
    const upperLeft = (depth[at] as number) >= least ? 1 : 0;
    const upperRight = (depth[at + 1] as number) >= least ? 1 : 0;
    const lowerLeft = (depth[at + TEXELS] as number) >= least ? 1 : 0;
    const lowerRight = (depth[at + TEXELS + 1] as number) >= least ? 1 : 0;
    const across = column - Math.floor(column);
    const down = row - Math.floor(row);
    const upper = upperLeft + across * (upperRight - upperLeft);
    const lower = lowerLeft + across * (lowerRight - lowerLeft);
    return upper + down * (lower - upper);
  }
}
