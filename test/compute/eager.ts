// The same plain tfjs function, run by tfjs itself on its `cpu` backend: what tracing must not change.
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import type { Float64Record } from '../../src/compute/reference/evaluate.ts';
import { registerGradients } from '../../src/compute/trace/gradients.ts';
import type { Program, Shapes } from '../../src/compute/trace/trace.ts';

/** Outputs and state after one call. Every tensor and variable is gone afterwards. */
export async function runEagerly(
  program: Program<Shapes, Shapes>,
  signature: { readonly state: Shapes; readonly inputs: Shapes },
  inputs: Float64Record,
  state: Float64Record,
): Promise<{ readonly outputs: Float64Record; readonly state: Float64Record }> {
  registerGradients();
  await tf.setBackend('cpu');
  const tensors = (shapes: Shapes, values: Float64Record): [string, tf.Tensor][] =>
    Object.entries(shapes).map(([name, shape]) => [
      name,
      tf.tensor(Float32Array.from(values[name] as Float64Array), [...shape]),
    ]);
  const read = (tensor: tf.Tensor): Float64Array => Float64Array.from(tensor.dataSync());
  const variables: Record<string, tf.Variable> = {};
  try {
    return tf.tidy(() => {
      for (const [name, tensor] of tensors(signature.state, state)) variables[name] = tf.variable(tensor, true, name);
      const outputs = program(variables, Object.fromEntries(tensors(signature.inputs, inputs)));
      return {
        outputs: Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, read(tensor)])),
        state: Object.fromEntries(Object.entries(variables).map(([name, variable]) => [name, read(variable)])),
      } as unknown as tf.TensorContainer;
    }) as unknown as { outputs: Float64Record; state: Float64Record };
  } finally {
    for (const variable of Object.values(variables)) variable.dispose();
  }
}
