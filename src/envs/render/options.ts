// What a caller may ask of a picture.
import { DomainError } from '../../errors.ts';

/** How far and from where a free camera looks. Angles are MuJoCo's, in degrees. */
export interface Viewpoint {
  /** Direction of sight about the vertical: 0 looks along x, 90 along y. */
  readonly azimuth?: number;
  /** −90 looks straight down. */
  readonly elevation?: number;
  /** m, to the point looked at. */
  readonly distance?: number;
}

export interface RenderOptions extends Viewpoint {
  /** Pixels, 16 to 2048; Gymnasium's size where there is none (but for Taxi, which is square here). */
  readonly width?: number;
  readonly height?: number;
  /** A camera of the model, or `free`; the drawings of classic control and toy text have none. */
  readonly camera?: string;
}

const MIN_SIDE = 16;
const MAX_SIDE = 2048;

/** Throws `invalid_request` where a side is out of bounds. */
export function sizeOf(
  { width, height }: RenderOptions,
  usual: { readonly width: number; readonly height: number },
): { readonly width: number; readonly height: number } {
  const size = { width: width ?? usual.width, height: height ?? usual.height };
  for (const [name, pixels] of Object.entries(size)) {
    if (Number.isSafeInteger(pixels) && pixels >= MIN_SIDE && pixels <= MAX_SIDE) continue;
    throw new DomainError(
      'invalid_request',
      `The ${name} of a picture is ${pixels}; it must be an integer from ${MIN_SIDE} to ${MAX_SIDE} pixels.`,
    );
  }
  return size;
}

/** Throws `invalid_request` where a camera is asked of a drawing in the plane. */
export function refuseCamera(id: string, options: RenderOptions): void {
  const asked = (['camera', 'azimuth', 'elevation', 'distance'] as const).find((name) => options[name] !== undefined);
  if (asked === undefined) return;
  throw new DomainError('invalid_request', `${id} is drawn in the plane and has no camera; leave "${asked}" out.`);
}
