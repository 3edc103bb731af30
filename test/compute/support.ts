// What the compute and agent tests share: seeds that are printed, float64 inputs that float32 can hold, comparing with a reason.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Engine, Program } from '../../src/compute/engine.ts';
import type { Graph } from '../../src/compute/graph.ts';
import { onnxCpuEngine } from '../../src/compute/onnx/engine.ts';
import type { Float64Record } from '../../src/compute/reference/evaluate.ts';
import type { Pcg64 } from '../../src/math/pcg64.ts';
import { sizeOf } from '../../src/math/tensor.ts';

/** A seed for this run, printed so that a failure can be repeated with `SEED=…`. */
export function freshSeed(context: TestContext): number {
  const seed = Number(process.env['SEED'] ?? Math.floor(performance.timeOrigin + performance.now()) % 1_000_000);
  context.diagnostic(`SEED=${seed}`);
  return seed;
}

/** Uniform numbers in [low, high), rounded to float32 so that every engine gets the same ones. */
export function uniform(rng: Pcg64, shape: readonly number[], low: number, high: number): Float64Array {
  const values = new Float32Array(sizeOf(shape));
  rng.fillUniform(values, low, high);
  return Float64Array.from(values);
}

/** Every number within `absolute + relative·|expected|`; NaN only where NaN is expected. */
export function assertClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  { absolute, relative }: { readonly absolute: number; readonly relative: number },
  what: string,
): void {
  assert.equal(actual.length, expected.length, `${what}: length`);
  for (let index = 0; index < expected.length; index += 1) {
    const [a, e] = [actual[index] as number, expected[index] as number];
    if (Object.is(a, e) || a === e) continue;
    assert.ok(Math.abs(a - e) <= absolute + relative * Math.abs(e), `${what}[${index}]: ${a}, expected ${e}`);
  }
}

/** One call of `graph` on an engine: its outputs and the next state. */
export async function runOnce(
  graph: Graph,
  inputs: Float64Record,
  state: Float64Record = {},
  engine: Engine = onnxCpuEngine,
): Promise<{
  readonly outputs: Readonly<Record<string, Float32Array>>;
  readonly state: Readonly<Record<string, Float32Array>>;
}> {
  const program = await engine.compile(graph, { threads: 1 });
  setAll(program, graph, inputs, state);
  await program.run();
  const outputs = Object.fromEntries(Object.entries(program.outputs).map(([name, data]) => [name, data.slice()]));
  const next = Object.fromEntries(
    Object.entries(program.getState()).map(([name, { data }]) => [name, data as Float32Array]),
  );
  await program.dispose();
  return { outputs, state: next };
}

export function setAll(program: Program, graph: Graph, inputs: Float64Record, state: Float64Record): void {
  for (const [name, values] of Object.entries(inputs)) program.inputs[name]?.set(values);
  program.setState(
    Object.fromEntries(
      [...graph.state].map(([name, { before }]) => [
        name,
        { shape: before.shape, data: Float32Array.from(state[name] as Float64Array) },
      ]),
    ),
  );
}

/**
 * The largest |analytic − numeric| / (1 + |numeric|) over every number of `wrt`, with central differences of step 1e-5 in float64:
 * truncation 1e-10·f‴ and rounding 1e-16/1e-5 both stay far below the 1e-6 that tests ask for.
 */
export function worstGradientError(
  loss: (inputs: Float64Record) => number,
  inputs: Float64Record,
  gradients: Float64Record,
): { readonly error: number; readonly where: string } {
  const step = 1e-5;
  let worst = { error: 0, where: '' };
  for (const [name, gradient] of Object.entries(gradients)) {
    const values = inputs[name] as Float64Array;
    for (let index = 0; index < values.length; index += 1) {
      const at = (delta: number): number => {
        const moved = values.slice();
        moved[index] = (moved[index] as number) + delta;
        return loss({ ...inputs, [name]: moved });
      };
      const numeric = (at(step) - at(-step)) / (2 * step);
      const error = Math.abs((gradient[index] as number) - numeric) / (1 + Math.abs(numeric));
      if (!(error <= worst.error))
        worst = { error, where: `${name}[${index}]: ${gradient[index]}, by differences ${numeric}` };
    }
  }
  return worst;
}
