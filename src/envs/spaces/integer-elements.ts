// Arrays of integers between bounds: what MultiDiscrete and MultiBinary share in checking and reading.
import { DomainError } from '../../errors.ts';
import { JsonTensorError, parseNested, placeOf, show } from './json-tensor.ts';

export class IntegerElements {
  readonly #low: ArrayLike<number>;
  readonly #high: ArrayLike<number>;
  readonly #shape: readonly number[];

  /** Bounds of each element in C order, both included. */
  constructor({
    low,
    high,
    shape,
  }: { readonly low: ArrayLike<number>; readonly high: ArrayLike<number>; readonly shape: readonly number[] }) {
    this.#low = low;
    this.#high = high;
    this.#shape = shape;
  }

  contain(value: ArrayLike<number>): boolean {
    return value.length === this.#low.length && Array.from(value).every((x, i) => this.#admits(x, i));
  }

  /** The elements of nested lists. Throws `action_out_of_space` or `observation_out_of_space` naming value and place. */
  parse(value: unknown, what: 'action' | 'observation', place: string): number[] {
    const refusal = (problem: string, cause?: Error) =>
      new DomainError(
        `${what}_out_of_space`,
        `${what}${place}${problem}. Send integers in nested lists of shape [${this.#shape.join(', ')}].`,
        cause && { cause },
      );
    let elements: number[];
    try {
      elements = parseNested(value, this.#shape);
    } catch (error) {
      if (!(error instanceof JsonTensorError)) throw error;
      throw refusal(`${error.place} ${error.message}`, error);
    }
    return elements.map((x, i) => {
      // −0 is JSON's "-0": the integer zero.
      if (this.#admits(x, i)) return x + 0;
      const range = `an integer from ${this.#low[i]} to ${this.#high[i]}`;
      throw refusal(`${placeOf(i, this.#shape)} is ${show(x)}, not ${range}`);
    });
  }

  #admits(x: number, index: number): boolean {
    return Number.isInteger(x) && x >= (this.#low[index] as number) && x <= (this.#high[index] as number);
  }
}
