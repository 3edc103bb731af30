// The error of a program that cannot be traced: what is wrong, and where in the user's own code it was called.
import { DomainError } from '../../errors.ts';

/** Deep enough to reach the user's function through tfjs, which nests a dozen calls an op and more in a gradient. */
export const TRACE_STACK_DEPTH = 200;

/** An `untraceable` error whose message ends with the user's line, where the stack shows one. */
export function untraceable(message: string, cause?: Error): DomainError {
  const place = userFrame((cause ?? new Error()).stack ?? '');
  const detail = place === undefined ? message : `${message} Called at ${place}.`;
  return new DomainError('untraceable', detail, cause === undefined ? {} : { cause });
}

/** Frames that are not the user's: tfjs, installed or by its source map, and this folder, compiled or mapped. */
const OURS = /\/(@tensorflow|tfjs-[\w-]+|src\/compute)\//;

/** The innermost frame in a file of the user's: `file.ts:line:column`. */
function userFrame(stack: string): string | undefined {
  const frame = stack.split('\n').find((line) => /^\s+at .*(file:|[( ]\/)/.test(line) && !OURS.test(line));
  return frame === undefined ? undefined : /([^/\\(]+:\d+:\d+)\)?$/.exec(frame)?.[1];
}
