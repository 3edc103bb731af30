// Snapshots of a vector environment that is kept in blocks: put together and taken apart, so that the whole does not tell
// how many blocks there were. The names are those of `SubEnvironments.getState`.
import { nest, type Tensor, type Tensors, under, vector } from '../../math/tensor.ts';

/** Snapshots of blocks, in their order, as one. `counts`: how many sub-environments each block has. */
export function joinStates(states: readonly Tensors[], counts: readonly number[]): Tensors {
  const envs = states.flatMap((state, block) => {
    const start = startOf(counts, block);
    return Array.from({ length: counts[block] as number }, (_, i) =>
      nest(`envs/${start + i}`, under(`envs/${i}`, state)),
    );
  });
  const [first] = states;
  if (first === undefined) throw new RangeError('There is no block to make a snapshot of.');
  return {
    ...Object.assign({}, ...envs),
    observations: joined(states.map((state) => state['observations'] as Tensor)),
    ended: joined(states.map((state) => state['ended'] as Tensor)),
    fresh: first['fresh'] as Tensor,
  };
}

/** A snapshot for each block of `counts` sub-environments. Throws a `RangeError` or `TypeError` where `state` is of another number. */
export function splitState(state: Tensors, counts: readonly number[]): Tensors[] {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const { observations, ended, fresh, ...envs } = state;
  if (observations === undefined || ended === undefined || fresh === undefined)
    throw new TypeError('It lacks one of the tensors "observations", "ended" and "fresh".');
  if (ended.data.length !== total || observations.data.length % total !== 0)
    throw new RangeError(`It holds ${ended.data.length} sub-environments, not ${total}.`);
  const size = observations.data.length / total;
  const byIndex: Record<string, Tensor>[] = Array.from({ length: total }, () => ({}));
  for (const [name, tensor] of Object.entries(envs)) {
    const [, index = '', rest = ''] = /^envs\/(\d{1,7})\/(.+)$/s.exec(name) ?? [];
    const own = byIndex[Number(index)];
    if (own === undefined || rest === '')
      throw new RangeError(`There is no place for the tensor "${name.slice(0, 60)}".`);
    own[rest] = tensor;
  }
  return counts.map((count, block) => {
    const start = startOf(counts, block);
    const own = byIndex.slice(start, start + count).map((env, i) => nest(`envs/${i}`, env));
    return {
      ...Object.assign({}, ...own),
      observations: vector(observations.data.slice(start * size, (start + count) * size)),
      ended: vector(ended.data.slice(start, start + count)),
      fresh,
    };
  });
}

function startOf(counts: readonly number[], block: number): number {
  return counts.slice(0, block).reduce((sum, count) => sum + count, 0);
}

function joined(tensors: readonly Tensor[]): Tensor {
  const [first] = tensors;
  if (first === undefined) throw new RangeError('There is nothing to join.');
  const length = tensors.reduce((sum, { data }) => sum + data.length, 0);
  const data = new (first.data.constructor as new (length: number) => Float64Array)(length);
  let at = 0;
  for (const { data: part } of tensors) {
    data.set(part as Float64Array, at);
    at += part.length;
  }
  return vector(data);
}
