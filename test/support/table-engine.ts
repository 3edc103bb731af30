// An engine whose programs keep tables, made of one that does not: rows lie in an array, and what a call gathers is fed to it.
import type { Engine, Program, Tables } from '../../src/compute/engine.ts';
import type { Graph } from '../../src/compute/graph.ts';
import { sizeOf } from '../../src/math/tensor.ts';

export function withTables(engine: Engine): Engine {
  return {
    name: engine.name,
    async compile(graph, { tables, ...options }) {
      const program = await engine.compile(graph, options);
      return tables === undefined ? program : gathering(program, graph, tables);
    },
  };
}

function gathering(program: Program, graph: Graph, { rows, gathers }: Tables): Program {
  const widths = new Map<string, number>();
  const inputs: Record<string, Float32Array> = {};
  const reads = [...graph.inputs].flatMap(
    ([
      name,
      {
        shape: [count = 1, ...row],
      },
    ]) => {
      const gather = gathers[name];
      const fed = program.inputs[name] as Float32Array;
      if (gather === undefined) {
        inputs[name] = fed;
        return [];
      }
      inputs[gather.by] ??= new Float32Array(count);
      widths.set(gather.table, sizeOf(row));
      return [{ fed, table: gather.table, by: inputs[gather.by] as Float32Array, width: sizeOf(row) }];
    },
  );
  // In the order in which the gathers name them.
  const order = [...new Set(Object.values(gathers).map(({ table }) => table))];
  const tables = new Map(order.map((table) => [table, new Float32Array(rows * (widths.get(table) as number))]));
  const whole = order.reduce((sum, table) => sum + (widths.get(table) as number), 0);
  return {
    identity: program.identity,
    inputs,
    outputs: program.outputs,
    putRows(first, given) {
      let column = 0;
      for (const table of order) {
        const width = widths.get(table) as number;
        for (let row = 0; row * whole < given.length; row += 1) {
          const from = row * whole + column;
          tables.get(table)?.set(given.subarray(from, from + width), (first + row) * width);
        }
        column += width;
      }
    },
    async run() {
      for (const { fed, table, by, width } of reads) {
        const source = tables.get(table) as Float32Array;
        for (const [place, number] of by.entries())
          fed.set(source.subarray(number * width, (number + 1) * width), place * width);
      }
      await program.run();
    },
    nonFinite: () => program.nonFinite(),
    peek: (name) => program.peek(name),
    getState: () => program.getState(),
    setState: (state) => program.setState(state),
    dispose: () => program.dispose(),
  };
}
