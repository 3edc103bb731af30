// What is made of an error that an engine's library threw: the code of a request's or a job's error, and what to do where memory was
// too small, of the machine or of a GPU. Each library says that in its own words.
import { DomainError } from '../errors.ts';
import type { EngineName } from './engine.ts';

/**
 * onnxruntime ("Failed to allocate memory for requested buffer of size 4096", std::bad_alloc), its WebGPU ("Out of memory", "failed
 * to create buffer"), CUDA ("out of memory", CUBLAS_STATUS_ALLOC_FAILED), TensorFlow ("OOM when allocating tensor", RESOURCE_EXHAUSTED).
 */
const OUT_OF_MEMORY =
  /\bOOM\b|RESOURCE_EXHAUSTED|out of (\w+ )?memory|failed to (allocate|create (a )?buffer)|bad_alloc|ALLOC_FAILED/i;

const REMEDY =
  'Give it more memory, or it less to hold: a smaller batch_size, a smaller network, replay_placement "host", fewer jobs at once.';

export interface Thrown {
  readonly name: EngineName;
  /** In a line, what the library said. */
  readonly why: string;
  readonly cause: unknown;
}

/** While a program was prepared. Where it is not about memory it is the bare reason, to which `Engines` adds how to get the engine. */
export function compileFailure({ name, why, cause }: Thrown): DomainError {
  return OUT_OF_MEMORY.test(why)
    ? failure(`The engine "${name}" failed while it prepared a program: ${why}`, cause)
    : failure(why, cause);
}

/** In a call of a program: the memory is full, or a driver gave up. */
export function runFailure({ name, why, cause }: Thrown): DomainError {
  return failure(`The engine "${name}" failed while it ran a program: ${why}`, cause);
}

/** Whether it says already what to do: to install the engine would not help. */
export const isAboutMemory = ({ message }: Error): boolean => message.endsWith(REMEDY);

function failure(what: string, cause: unknown): DomainError {
  const detail = OUT_OF_MEMORY.test(what) ? `${what.replace(/\.?$/, '.')} ${REMEDY}` : what;
  return new DomainError('engine_not_available', detail, { cause });
}
