// A flat picture of a state, for environments that are not bodies in space.
import { Canvas, type Window } from './canvas.ts';
import type { Color, Image } from './image.ts';
import { type RenderOptions, refuseCamera, sizeOf } from './options.ts';

export interface Drawing<State> {
  /** Pixels, unless asked for others. */
  readonly size: { readonly width: number; readonly height: number };
  readonly window: Window;
  readonly paper: Color;
  draw(canvas: Canvas, state: State): void;
}

/** `state` of the environment `id` as a picture. Throws `invalid_request`. */
export function drawn<State>(
  id: string,
  { size, window, paper, draw }: Drawing<State>,
  state: State,
  options: RenderOptions = {},
): Image {
  refuseCamera(id, options);
  const canvas = new Canvas(sizeOf(options, size), window, paper);
  draw(canvas, state);
  return canvas.image;
}

/** A colour from the usual 0 to 255. */
export const rgb = (red: number, green: number, blue: number): Color => [red / 255, green / 255, blue / 255];
