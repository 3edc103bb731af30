// The tables of a program as variables of its TensorFlow graph.
//
// Rows come in by a strided slice that is assigned, and go out by a gather of the variable: neither copies a table. Other ways do. A variable
// that was written in parts is copied by each read of all of it (copy_on_read_mode, kernels/training_op_helpers.h); and on a GPU with
// TF_DETERMINISTIC_OPS ResourceScatterUpdate takes the whole table to the processor and back (DoScatterOnCpu,
// kernels/resource_variable_ops.cc).
import { sizeOf } from '../../math/tensor.ts';
import type { Tables } from '../engine.ts';
import type { Graph } from '../graph.ts';
import { sameShape } from '../nodes.ts';
import { type ModelWriter, plain } from './model.ts';

export interface LoweredTables {
  /** To fetch it is to make the tables, all zeros. */
  readonly made: string;
  /** The placeholder of two int32: the first row that is written, and the one after the last. */
  readonly place: string;
  /** The placeholder of these rows [n, width], the tables side by side. */
  readonly rows: string;
  readonly width: number;
  /** To fetch it is to write the rows and do no more. */
  readonly written: string;
  readonly tables: ReadonlyMap<string, Table>;
}

interface Table {
  readonly handle: string;
  /** What writes its rows. */
  readonly write: string;
}

const FLOAT = { type: 'float32' } as const;
const INT = { type: 'int32' } as const;

export function writeTables(writer: ModelWriter, graph: Graph, { rows: count, gathers }: Tables): LoweredTables {
  const shapes = rowShapes(graph, gathers);
  const width = [...shapes.values()].reduce((sum, shape) => sum + sizeOf(shape), 0);
  const place = writer.node('Placeholder', [], 'table/place', { dtype: INT, shape: { shape: [2] } });
  const rows = writer.node('Placeholder', [], 'table/rows', { dtype: FLOAT, shape: { shape: [-1, width] } });
  const part = (index: number, name: string): string =>
    writer.node('Slice', [place, writer.integers([index]), writer.integers([1])], name, { T: INT, Index: INT });
  const range = [part(0, 'table/begin'), part(1, 'table/end'), writer.integers([1])];
  const made: string[] = [];
  const written: string[] = [];
  const tables = new Map<string, Table>();
  let column = 0;
  for (const [index, [name, shape]] of [...shapes].entries()) {
    const prefix = `table/${index}/${plain(name)}`;
    const whole = [count, ...shape];
    const handle = writer.node('VarHandleOp', [], prefix, {
      dtype: FLOAT,
      shape: { shape: whole },
      shared_name: { string: prefix },
      container: { string: '' },
    });
    const zeros = writer.node('Fill', [writer.integers(whole), writer.scalar(0)], `${prefix}/zeros`, {
      T: FLOAT,
      index_type: INT,
    });
    made.push(writer.node('AssignVariableOp', [handle, zeros], `${prefix}/make`, { dtype: FLOAT }));
    const size = sizeOf(shape);
    const columns = [rows, writer.integers([0, column]), writer.integers([-1, size])];
    const flat = writer.node('Slice', columns, `${prefix}/flat`, { T: FLOAT, Index: INT });
    const shaped = writer.node('Reshape', [flat, writer.integers([-1, ...shape])], `${prefix}/rows`, {
      T: FLOAT,
      Tshape: INT,
    });
    const write = writer.node('ResourceStridedSliceAssign', [handle, ...range, shaped], `${prefix}/write`, {
      T: FLOAT,
      Index: INT,
    });
    written.push(write);
    tables.set(name, { handle, write });
    column += size;
  }
  const after = (nodes: readonly string[], name: string): string =>
    writer.node('Identity', [writer.scalar(0)], name, { T: FLOAT }, nodes);
  return { made: after(made, 'table/made'), place, rows, width, written: after(written, 'table/written'), tables };
}

/** The rows of a table whose numbers are in `numbers`, a float32 vector; as they are once the rows of the call are written. */
export function writeGather(writer: ModelWriter, { handle, write }: Table, numbers: string, name: string): string {
  const indices = writer.once(`${numbers}/int`, (int) =>
    writer.node('Cast', [numbers], int, { SrcT: FLOAT, DstT: INT }),
  );
  return writer.node('ResourceGather', [handle, indices], name, { dtype: FLOAT, Tindices: INT }, [write]);
}

/** The shape of a row, by table. */
function rowShapes({ inputs }: Graph, gathers: Tables['gathers']): Map<string, readonly number[]> {
  const shapes = new Map<string, readonly number[]>();
  for (const [name, { table }] of Object.entries(gathers)) {
    const [, ...row] = inputs.get(name)?.shape ?? [];
    if (row.length === 0) throw new RangeError(`The program has no input "${name}" that could be rows of a table.`);
    const known = shapes.get(table) ?? row;
    if (!sameShape(known, row))
      throw new RangeError(`The table "${table}" has rows of shape [${known}]; those of "${name}" have [${row}].`);
    shapes.set(table, known);
  }
  return shapes;
}
