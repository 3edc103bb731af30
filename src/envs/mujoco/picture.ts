// Pictures of a simulation, from the camera that Gymnasium would take: the model's `track`, else one that looks at the
// robot from where gymnasium/envs/mujoco/*_v5.py (DEFAULT_CAMERA_CONFIG, 1.4.0) puts it.
import { DomainError } from '../../errors.ts';
import { drawScene } from '../render/draw-scene.ts';
import type { Image } from '../render/image.ts';
import { type RenderOptions, sizeOf } from '../render/options.ts';
import type { Vector } from '../render/vectors.ts';
import { bodyPlace, cameraLens, freeLens, geomsOf, type World } from './scene.ts';
import type { Simulation } from './simulation.ts';

/** The free camera, and how large things are. */
export interface View {
  /** m */
  readonly distance: number;
  /** Degrees, as MuJoCo has them. */
  readonly azimuth: number;
  readonly elevation: number;
  /** Looks at this body horizontally; null = at a place of the world. */
  readonly body: string | null;
  /** The point looked at: of a body, only its height is taken. */
  readonly at: Vector;
  /** Side of a field of the floor, in m. */
  readonly fieldSize: number;
}

export const DEFAULT_VIEW: View = {
  distance: 4,
  azimuth: 90,
  elevation: -20,
  body: null,
  at: [0, 0, 0.5],
  fieldSize: 0.5,
};

const SIDE = 480;
/** In distances from the camera to what it looks at. */
const SIGHT = 5;
/** The camera that Gymnasium takes where the model has it. */
const TRACKING = 'track';
const FREE = 'free';
const BOUNDS = { azimuth: [-360, 360], elevation: [-90, 90], distance: [0.01, 1000] } as const;

export function pictureOf(id: string, simulation: Simulation, view: View, options: RenderOptions): Image {
  const size = sizeOf(options, { width: SIDE, height: SIDE });
  checkAngles(options);
  const names = simulation.names('camera');
  const aimed = options.azimuth !== undefined || options.elevation !== undefined || options.distance !== undefined;
  const name = options.camera ?? (aimed || !names.includes(TRACKING) ? FREE : TRACKING);
  if (name !== FREE && !names.includes(name)) {
    const all = [FREE, ...names]
      .filter(Boolean)
      .map((camera) => `"${camera}"`)
      .join(', ');
    throw new DomainError('invalid_request', `${id} has no camera "${name}"; it has ${all}.`);
  }
  if (name !== FREE && aimed) {
    throw new DomainError(
      'invalid_request',
      `The camera "${name}" is the model's and cannot be aimed; leave azimuth, elevation and distance out, or take the camera "${FREE}".`,
    );
  }
  const from = aim(view, options);
  return simulation.view((world) => {
    const lens =
      name === FREE
        ? freeLens({ ...from, target: targetOf(simulation, world, view) }, size)
        : cameraLens(world, names.indexOf(name), size);
    const scene = {
      geoms: geomsOf(world),
      fieldSize: view.fieldSize,
      sight: SIGHT * Math.max(view.distance, from.distance),
    };
    return drawScene(scene, lens, size.width, size.height);
  });
}

function aim(view: View, { azimuth, elevation, distance }: RenderOptions) {
  return {
    azimuth: azimuth ?? view.azimuth,
    elevation: elevation ?? view.elevation,
    distance: distance ?? view.distance,
  };
}

function targetOf(simulation: Simulation, world: World, { body, at }: View): Vector {
  if (body === null) return at;
  const [x, y] = bodyPlace(world, simulation.bodyId(body));
  return [x, y, at[2]];
}

function checkAngles(options: RenderOptions): void {
  for (const [name, [low, high]] of Object.entries(BOUNDS)) {
    const value = options[name as keyof typeof BOUNDS];
    if (value === undefined || (value >= low && value <= high)) continue;
    throw new DomainError(
      'invalid_request',
      `The ${name} of the camera is ${value}; it must be from ${low} to ${high}.`,
    );
  }
}
