// A graph as text, for a person who wonders what a pass or the tracer made of a program. Nothing reads it back.
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Engine } from './engine.ts';
import type { Graph, Node, Op } from './graph.ts';
import { matmulFlops, topological } from './nodes.ts';
import { optimize } from './passes/optimize.ts';

/**
 * One node a line, each after its inputs: `%7 = matmul(x, w, transposeB) : float32[256,64]`. Inputs and states go by their names.
 * Above it what comes in, below it what goes out, how many nodes there are of each kind, and the work of the matrix products.
 */
export function describeGraph(graph: Graph): string {
  const order = topological(graph);
  const live = new Set(order);
  const states = [...graph.state];
  const names = new Map<Node, string>([
    ...[...graph.inputs].map(([name, node]) => [node, name] as const),
    ...states.map(([name, { before }]) => [before, name] as const),
  ]);
  const nameOf = (node: Node): string => names.get(node) ?? `%${node.id}`;
  const unread = (node: Node): string => (live.has(node) ? '' : '  (not read)');
  const computed = order.filter((node) => !names.has(node));
  return [
    'inputs',
    ...[...graph.inputs].map(([name, node]) => `  ${name} : ${typeOf(node)}${unread(node)}`),
    'state',
    ...states.map(([name, { before }]) => `  ${name} : ${typeOf(before)}${unread(before)}`),
    'nodes',
    ...computed.map((node) => `  ${nameOf(node)} = ${callOf(node, nameOf)} : ${typeOf(node)}`),
    'outputs',
    ...[...graph.outputs].map(([name, node]) => `  ${name} = ${nameOf(node)}`),
    'next state',
    ...states.map(
      ([name, { before, after }]) => `  ${name} = ${nameOf(after)}${before === after ? '  (unchanged)' : ''}`,
    ),
    `${computed.length} nodes`,
    ...countsOf(computed).map(([kind, count]) => `  ${String(count).padStart(5)} ${kind}`),
    `${matmulFlops(graph)} floating-point operations in matrix products`,
    '',
  ].join('\n');
}

const typeOf = ({ dtype, shape }: Node): string => `${dtype}[${shape}]`;

const callOf = ({ op, inputs }: Node, nameOf: (node: Node) => string): string =>
  op.kind === 'constant'
    ? `constant ${numbersOf(op.values)}`
    : `${op.kind}(${[...inputs.map(nameOf), ...attributesOf(op)].join(', ')})`;

/** A number, or the first few of many. */
const numbersOf = (values: Float32Array): string =>
  values.length === 1 ? String(values[0]) : `[${values.slice(0, 4).join(', ')}${values.length > 4 ? ', …' : ''}]`;

/** `name=value` of what an op has beside its kind; a flag by its name where it is set. */
function attributesOf(op: Op): string[] {
  return Object.entries(op).flatMap(([name, value]: [string, unknown]) => {
    if (name === 'kind' || value === false) return [];
    return [value === true ? name : `${name}=${typeof value === 'number' ? value : JSON.stringify(value)}`];
  });
}

/** Kinds by their number, the most frequent first. */
function countsOf(nodes: readonly Node[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const { op } of nodes) counts.set(op.kind, (counts.get(op.kind) ?? 0) + 1);
  return [...counts].sort(([a, most], [b, fewer]) => fewer - most || a.localeCompare(b));
}

/** One stage of a program: a graph as text, or what an engine made of it. */
export interface Dumped {
  readonly stage: string;
  readonly extension: 'txt' | 'c' | 'onnx' | 'pb';
  readonly content: string | Uint8Array;
}

/**
 * `engine`, writing to `directory` each program as it was traced, after every pass, and as the engine lowered it: files
 * `<engine>-<digest of the traced program>.<nn>-<stage>.<extension>`, so the same program is written to the same files.
 */
export function dumping(engine: Engine, directory: string): Engine {
  return {
    name: engine.name,
    compile(graph, options) {
      const traced = describeGraph(graph);
      const name = `${engine.name}-${createHash('sha256').update(traced).digest('hex').slice(0, 8)}`;
      let stages = 0;
      const write = ({ stage, extension, content }: Dumped): void => {
        stages += 1;
        writeFileSync(join(directory, `${name}.${String(stages).padStart(2, '0')}-${stage}.${extension}`), content);
      };
      mkdirSync(directory, { recursive: true });
      write({ stage: 'traced', extension: 'txt', content: traced });
      optimize(graph, (pass, after) => write({ stage: pass, extension: 'txt', content: describeGraph(after) }));
      return engine.compile(graph, { ...options, dump: write });
    },
  };
}
