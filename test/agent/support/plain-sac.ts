// One update of SAC in plain float64 numbers, a row and a parameter at a time: no tensors, no tracing, no automatic gradients (every
// gradient is a central difference), the density by log cosh, Adam as its paper writes it. An oracle: slow, and written from the
// papers (arXiv:1801.01290, arXiv:1812.05905, arXiv:1607.06450, arXiv:1412.6980), not from src.

export type Numbers = ReadonlyMap<string, readonly number[]>;

export interface PlainSettings {
  readonly variant: 'v1' | 'v2';
  readonly activation: 'relu' | 'tanh' | 'elu' | 'silu';
  readonly criticCount: number;
  /** Fixed α, or null where it is learnt. */
  readonly temperature: number | null;
  readonly targetEntropy: number;
  readonly maxGradientNorm: number;
  readonly targetUpdate: 'soft' | 'hard';
  readonly observation: number;
  readonly action: number;
  readonly batch: number;
}

export interface PlainState {
  readonly parameters: Numbers;
  /** The paper's m and v. */
  readonly m: Numbers;
  readonly v: Numbers;
}

export interface PlainInputs {
  readonly observation: readonly (readonly number[])[];
  readonly action: readonly (readonly number[])[];
  readonly nextObservation: readonly (readonly number[])[];
  readonly noise: readonly (readonly number[])[];
  readonly nextNoise: readonly (readonly number[])[];
  readonly reward: readonly number[];
  readonly bootstrap: readonly number[];
  readonly rates: Readonly<Record<'actor' | 'critic' | 'temperature', number>>;
  /** Steps of Adam counted from 1, this one with them. */
  readonly steps: Readonly<Record<'critic' | 'policy', number>>;
  readonly movesPolicy: boolean;
  /** τ, or for copies whether they are made now. */
  readonly targetStep: number;
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const clamp = (x: number, low: number, high: number): number => Math.min(high, Math.max(low, x));

const ACTIVATE = {
  relu: (x: number) => Math.max(0, x),
  tanh: Math.tanh,
  elu: (x: number) => (x > 0 ? x : Math.expm1(x)),
  silu: (x: number) => x / (1 + Math.exp(-x)),
} as const;

/** The network `name` on one row. */
export function forward(
  p: Numbers,
  name: string,
  row: readonly number[],
  activation: PlainSettings['activation'],
): number[] {
  let h = [...row];
  for (let layer = 0; ; layer += 1) {
    const [kernel, bias] = [p.get(`${name}/${layer}/kernel`), p.get(`${name}/${layer}/bias`)];
    if (kernel === undefined || bias === undefined) return h;
    if (layer > 0) {
      const [scale, offset] = [p.get(`${name}/${layer - 1}/scale`), p.get(`${name}/${layer - 1}/offset`)];
      if (scale !== undefined && offset !== undefined) h = layerNormalized(h, scale, offset);
      h = h.map(ACTIVATE[activation]);
    }
    const input = h;
    h = bias.map((b, unit) => input.reduce((sum, x, i) => sum + x * (kernel[i * bias.length + unit] as number), b));
  }
}

export function layerNormalized(h: readonly number[], scale: readonly number[], offset: readonly number[]): number[] {
  const centre = mean(h);
  const deviation = Math.sqrt(mean(h.map((x) => (x - centre) ** 2)) + 1e-5);
  return h.map((x, i) => ((x - centre) / deviation) * (scale[i] as number) + (offset[i] as number));
}

export function plainUpdate(
  settings: PlainSettings,
  before: PlainState,
  x: PlainInputs,
): { readonly state: PlainState; readonly outputs: Readonly<Record<string, number>> } {
  const { variant, activation, criticCount } = settings;
  const state = {
    parameters: new Map(before.parameters),
    m: new Map(before.m),
    v: new Map(before.v),
  };
  const rows = Array.from({ length: settings.batch }, (_, row) => row);
  const names = (...networks: string[]): string[] =>
    [...state.parameters.keys()].filter((name) => networks.some((network) => name.startsWith(`${network}/`)));
  const numbered = (what: string): string[] => Array.from({ length: criticCount }, (_, i) => `${what}${i + 1}`);

  /** a ~ π(·|s) with its log-density: the Gaussian's, less log(1 − tanh²u) = −2 log cosh u. */
  const draw = (p: Numbers, s: readonly number[], noise: readonly number[]) => {
    const out = forward(p, 'actor', s, activation);
    let log = 0;
    const action = noise.map((e, i) => {
      const logStd = clamp(out[settings.action + i] as number, -20, 2);
      const u = (out[i] as number) + Math.exp(logStd) * e;
      log += -0.5 * e * e - logStd - 0.5 * Math.log(2 * Math.PI) + 2 * Math.log(Math.cosh(u));
      return Math.tanh(u);
    });
    return { action, log };
  };
  const leastQ = (p: Numbers, critics: readonly string[], s: readonly number[], a: readonly number[]): number =>
    Math.min(...critics.map((critic) => forward(p, critic, [...s, ...a], activation)[0] as number));
  const outputs: Record<string, number> = {};

  /** Adam on the parameters called `which` against `loss`; leaves the norm of the gradient in the outputs. */
  const descend = (
    which: readonly string[],
    loss: (p: Numbers) => number,
    { label, rate, step, moves }: { label: string; rate: number; step: number; moves: boolean },
  ): void => {
    const gradient = differences(state.parameters, which, loss);
    outputs[`loss/${label}`] = loss(state.parameters);
    const norm = Math.hypot(...[...gradient.values()].flat());
    if (label !== 'temperature') outputs[`gradient_norm/${label}`] = norm;
    if (!moves) return;
    const factor = norm > settings.maxGradientNorm ? settings.maxGradientNorm / norm : 1;
    for (const [name, raw] of gradient) {
      const [p, m, v] = [state.parameters.get(name), state.m.get(name), state.v.get(name)].map((list) => [
        ...(list ?? []),
      ]) as [number[], number[], number[]];
      for (const [i, value] of raw.entries()) {
        const g = value * factor;
        m[i] = 0.9 * (m[i] as number) + 0.1 * g;
        v[i] = 0.999 * (v[i] as number) + 0.001 * g * g;
        const corrected = { m: (m[i] as number) / (1 - 0.9 ** step), v: (v[i] as number) / (1 - 0.999 ** step) };
        p[i] = (p[i] as number) - (rate * corrected.m) / (Math.sqrt(corrected.v) + 1e-8);
      }
      state.parameters.set(name, p);
      state.m.set(name, m);
      state.v.set(name, v);
    }
  };

  const critics = numbered('critic');
  const actor: Numbers = new Map(before.parameters);
  const drawn = rows.map((row) => draw(actor, x.observation[row] as number[], x.noise[row] as number[]));
  outputs['entropy'] = -mean(drawn.map(({ log }) => log));

  if (settings.temperature === null) {
    const gap = mean(drawn.map(({ log }) => log)) + settings.targetEntropy;
    const loss = (p: Numbers): number => -((p.get('log_temperature') as number[])[0] as number) * gap;
    const how = { rate: x.rates.temperature, step: x.steps.policy, moves: x.movesPolicy };
    descend(['log_temperature'], loss, { label: 'temperature', ...how });
  }
  const alpha = settings.temperature ?? Math.exp((state.parameters.get('log_temperature') as number[])[0] as number);
  outputs['alpha'] = alpha;

  const byCritics = { rate: x.rates.critic, step: x.steps.critic, moves: true };
  if (variant === 'v1') {
    const goals = drawn.map(
      ({ action, log }, row) =>
        leastQ(before.parameters, critics, x.observation[row] as number[], action) - alpha * log,
    );
    const value = (p: Numbers, row: number): number =>
      forward(p, 'value', x.observation[row] as number[], activation)[0] as number;
    const loss = (p: Numbers): number => mean(rows.map((row) => 0.5 * (value(p, row) - (goals[row] as number)) ** 2));
    descend(names('value'), loss, { label: 'value', ...byCritics });
  }

  const y = rows.map((row) => {
    const next = x.nextObservation[row] as number[];
    const futureOf = (): number => {
      if (variant === 'v1') return forward(before.parameters, 'value_target', next, activation)[0] as number;
      const { action, log } = draw(actor, next, x.nextNoise[row] as number[]);
      return leastQ(before.parameters, numbered('target'), next, action) - alpha * log;
    };
    return (x.reward[row] as number) + (x.bootstrap[row] as number) * futureOf();
  });
  const input = (row: number): number[] => [...(x.observation[row] as number[]), ...(x.action[row] as number[])];
  outputs['q'] = mean(
    rows.map((row) => leastQ(before.parameters, critics, x.observation[row] as number[], x.action[row] as number[])),
  );
  const criticLoss = (p: Numbers): number =>
    critics
      .map((name) =>
        mean(
          rows.map((row) => 0.5 * ((forward(p, name, input(row), activation)[0] as number) - (y[row] as number)) ** 2),
        ),
      )
      .reduce((sum, loss) => sum + loss);
  descend(names(...critics), criticLoss, { label: 'critic', ...byCritics });

  const after: Numbers = new Map(state.parameters);
  const policyLoss = (p: Numbers): number =>
    mean(
      rows.map((row) => {
        const { action, log } = draw(p, x.observation[row] as number[], x.noise[row] as number[]);
        return alpha * log - leastQ(after, critics, x.observation[row] as number[], action);
      }),
    );
  const how = { rate: x.rates.actor, step: x.steps.policy, moves: x.movesPolicy };
  descend(names('actor'), policyLoss, { label: 'actor', ...how });

  const followed = variant === 'v1' ? [['value_target', 'value']] : critics.map((c, i) => [`target${i + 1}`, c]);
  for (const [target, online] of followed as [string, string][]) {
    for (const name of names(target)) {
      const [old, fresh] = [state.parameters.get(name), state.parameters.get(name.replace(target, online))];
      const step = settings.targetUpdate === 'hard' ? Math.sign(x.targetStep) : x.targetStep;
      state.parameters.set(
        name,
        (old as number[]).map((value, i) => (1 - step) * value + step * ((fresh as number[])[i] as number)),
      );
    }
  }
  return { state, outputs };
}

/**
 * ∂loss by each number of `which`, by central differences. The step is so small that a kink of ReLU or of a minimum hardly ever lies
 * within it; rounding leaves 1e-16/1e-7 of the loss, 1e-9.
 */
export function differences(
  parameters: Numbers,
  which: readonly string[],
  loss: (p: Numbers) => number,
): Map<string, number[]> {
  const h = 1e-7;
  const moved = new Map(parameters);
  return new Map(
    which.map((name) => {
      const values = [...(parameters.get(name) as readonly number[])];
      moved.set(name, values);
      const gradient = values.map((value, i) => {
        const at = (place: number): number => {
          values[i] = place;
          return loss(moved);
        };
        const slope = (at(value + h) - at(value - h)) / (2 * h);
        values[i] = value;
        return slope;
      });
      return [name, gradient];
    }),
  );
}
