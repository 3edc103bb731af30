// A picture: what an environment's `render` returns.

export interface Image {
  /** In pixels. */
  readonly width: number;
  readonly height: number;
  /** Red, green, blue of each pixel, [height, width, 3], from the upper left corner: Gymnasium's `rgb_array`. */
  readonly data: Uint8Array;
  /** The state as text, Gymnasium's `ansi`; only of toy text. */
  readonly text?: string;
}

/** Red, green and blue in [0, 1]. */
export type Color = readonly [red: number, green: number, blue: number];
