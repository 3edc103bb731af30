// PNG (https://www.w3.org/TR/png-3/) with 8 bits of red, green and blue; several pictures make an animation (APNG).
import { crc32, deflateSync } from 'node:zlib';
import type { Image } from './image.ts';

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const CHANNELS = 3;

/** `image` as a PNG file. */
export function encodePng(image: Image): Buffer {
  return Buffer.concat([SIGNATURE, header(image), chunk('IDAT', deflated(image)), chunk('IEND')]);
}

/** Pictures of one size as an animated PNG that repeats for ever; viewers that know no APNG show the first. */
export class Animation {
  readonly #framesPerSecond: number;
  /** Compressed as they come: pixels of many pictures would fill the memory. */
  readonly #frames: Buffer[] = [];
  #first: Image | null = null;
  #count = 0;
  #sequence = 0;

  constructor({ framesPerSecond }: { readonly framesPerSecond: number }) {
    this.#framesPerSecond = framesPerSecond;
  }

  /** Throws a `RangeError` for a picture of another size than the first. */
  add(image: Image): void {
    const { width, height } = image;
    this.#first ??= image;
    if (width !== this.#first.width || height !== this.#first.height) {
      throw new RangeError(
        `Picture ${this.#count} is ${width} × ${height}, the first ${this.#first.width} × ${this.#first.height}.`,
      );
    }
    const control = chunk(
      'fcTL',
      numbers(this.#sequence++, width, height, 0, 0),
      shorts(100, Math.round(100 * this.#framesPerSecond)),
      Buffer.alloc(2),
    );
    const data = deflated(image);
    this.#frames.push(
      control,
      this.#count === 0 ? chunk('IDAT', data) : chunk('fdAT', numbers(this.#sequence++), data),
    );
    this.#count++;
  }

  /** The file. Throws a `RangeError` where no picture was added. */
  encode(): Buffer {
    if (this.#first === null) throw new RangeError('An animation needs at least one picture.');
    const control = chunk('acTL', numbers(this.#count, 0));
    return Buffer.concat([SIGNATURE, header(this.#first), control, ...this.#frames, chunk('IEND')]);
  }
}

/** As `Animation`, of pictures that are there already. */
export function encodeAnimation(images: readonly Image[], options: { readonly framesPerSecond: number }): Buffer {
  const animation = new Animation(options);
  for (const image of images) animation.add(image);
  return animation.encode();
}

function header({ width, height }: Image): Buffer {
  // 8 bits, RGB, deflate, adaptive filters, not interlaced.
  return chunk('IHDR', numbers(width, height), Buffer.from([8, 2, 0, 0, 0]));
}

function chunk(type: string, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), ...parts]);
  return Buffer.concat([numbers(body.length - 4), body, numbers(crc32(body))]);
}

function numbers(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [i, value] of values.entries()) bytes.writeUInt32BE(value, 4 * i);
  return bytes;
}

function shorts(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(2 * values.length);
  for (const [i, value] of values.entries()) bytes.writeUInt16BE(value, 2 * i);
  return bytes;
}

/** Each row as its difference from the one above, or from its left neighbour: whichever is smaller in sum. */
function deflated({ width, height, data }: Image): Buffer {
  const length = CHANNELS * width;
  const rows = Buffer.alloc(height * (length + 1));
  const left = Buffer.alloc(length);
  const up = Buffer.alloc(length);
  for (let y = 0; y < height; y++) {
    let leftSum = 0;
    let upSum = 0;
    for (let i = 0; i < length; i++) {
      const at = y * length + i;
      const value = data[at] as number;
      const a = value - (i < CHANNELS ? 0 : (data[at - CHANNELS] as number));
      const b = value - (y === 0 ? 0 : (data[at - length] as number));
      left[i] = a;
      up[i] = b;
      leftSum += Math.abs(a);
      upSum += Math.abs(b);
    }
    const useLeft = leftSum < upSum;
    rows[y * (length + 1)] = useLeft ? 1 : 2;
    rows.set(useLeft ? left : up, y * (length + 1) + 1);
  }
  return deflateSync(rows);
}
