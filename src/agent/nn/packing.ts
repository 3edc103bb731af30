// Which parameters share a state tensor of a program. An optimiser's work is element-wise, so a few long vectors cost fewer
// operations than many tensors, but slicing parameters out of a vector costs a copy: big kernels stay by themselves.
import * as tf from '@tensorflow/tfjs-core';
import { sameShape } from '../../compute/nodes.ts';
import { DomainError } from '../../errors.ts';
import { sizeOf, type Tensors } from '../../math/tensor.ts';
import type { Shapes } from './mlp.ts';

export interface Place {
  readonly name: string;
  readonly shape: readonly number[];
  /** First element in the vector. */
  readonly offset: number;
}

/** One state tensor: a parameter by itself in its own shape, or several end to end in a vector. */
export interface Pack {
  readonly name: string;
  readonly shape: readonly number[];
  readonly places: readonly Place[];
}

/** From this many elements a parameter is a pack of its own. */
const ALONE_FROM = 2048;

/** The packs of one network's parameters: large ones alone, the others together as `rest`. Names begin with `prefix/`. */
export function pack(prefix: string, shapes: Shapes): readonly Pack[] {
  const parameters = Object.entries(shapes).map(([name, shape]) => ({ name: `${prefix}/${name}`, shape }));
  const packs: Pack[] = [];
  const together: Place[] = [];
  let size = 0;
  for (const { name, shape } of parameters) {
    if (sizeOf(shape) >= ALONE_FROM) packs.push({ name, shape, places: [{ name, shape, offset: 0 }] });
    else {
      together.push({ name, shape, offset: size });
      size += sizeOf(shape);
    }
  }
  return together.length === 0 ? packs : [...packs, { name: `${prefix}/rest`, shape: [size], places: together }];
}

/** A pack that is one parameter in its own shape: nothing to slice. */
const isAlone = ({ shape, places }: Pack): boolean =>
  places.length === 1 && sameShape((places[0] as Place).shape, shape);

/** The parameters by name, out of the tensors that hold the packs. */
export function unpackTensors(packs: readonly Pack[], held: (pack: Pack) => tf.Tensor): Map<string, tf.Tensor> {
  return new Map(
    packs.flatMap((one) => {
      const tensor = held(one);
      if (isAlone(one)) return [[(one.places[0] as Place).name, tensor] as const];
      return one.places.map(
        ({ name, shape, offset }) =>
          [name, tf.reshape(tf.slice(tensor, [offset], [sizeOf(shape)]), [...shape])] as const,
      );
    }),
  );
}

/** One tensor of a pack from tensors by parameter name: gradients as the pack holds the parameters. */
export function packTensor(one: Pack, tensors: ReadonlyMap<string, tf.Tensor>): tf.Tensor {
  const parts = one.places.map(({ name }) => tensors.get(name) as tf.Tensor);
  return isAlone(one)
    ? (parts[0] as tf.Tensor)
    : tf.concat(
        parts.map((part) => tf.reshape(part, [-1])),
        0,
      );
}

/** The state of packs from named parameters. Throws `checkpoint_incompatible` naming the one that is missing or of another shape. */
export function packState(packs: readonly Pack[], parameters: Tensors): Tensors {
  return Object.fromEntries(
    packs.map((one) => {
      const data = new Float32Array(sizeOf(one.shape));
      for (const { name, shape, offset } of one.places) {
        const tensor = parameters[name];
        if (!(tensor?.data instanceof Float32Array) || !sameShape(tensor.shape, shape)) {
          const found =
            tensor === undefined ? 'it is missing' : `it is ${tensor.data.constructor.name}[${tensor.shape}]`;
          throw new DomainError(
            'checkpoint_incompatible',
            `The parameter "${name}" needs Float32Array[${shape}]; ${found}.`,
          );
        }
        data.set(tensor.data, offset);
      }
      return [one.name, { shape: one.shape, data }];
    }),
  );
}

/** The named parameters, copied out of the arrays that hold the packs. */
export function unpackState(packs: readonly Pack[], held: (pack: Pack) => Float32Array): Tensors {
  return Object.fromEntries(
    packs.flatMap((one) => {
      const data = held(one);
      return one.places.map(({ name, shape, offset }) => [
        name,
        { shape, data: data.slice(offset, offset + sizeOf(shape)) },
      ]);
    }),
  );
}
