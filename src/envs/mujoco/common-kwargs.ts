// Keyword arguments that most MuJoCo environments have.

export const frameSkip = (frames: number, timestep: number) =>
  ({
    type: 'integer',
    default: frames,
    minimum: 1,
    maximum: 1000,
    description: `Physics steps of ${timestep} s per environment step.`,
  }) as const;

export const weight = (value: number, description: string) =>
  ({ type: 'number', default: value, description }) as const;

export const flag = (value: boolean, description: string) =>
  ({ type: 'boolean', default: value, description }) as const;

export const resetNoiseScale = (scale: number, description: string) =>
  ({ type: 'number', default: scale, minimum: 0, description }) as const;

export const UNIFORM_NOISE = 'Half width of the uniform noise of start positions and velocities.';
export const UNIFORM_AND_NORMAL_NOISE =
  'Half width of the uniform noise of start positions, and standard deviation of start velocities.';
