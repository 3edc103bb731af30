// What the robots' parts are painted in: red, green, blue and opacity, as MJCF's `rgba`. Physics has no part in it.

export const TAN = [0.8, 0.6, 0.4, 1];
export const ROSE = [0.9, 0.6, 0.6, 1];
export const PLUM = [0.7, 0.3, 0.6, 1];
export const TEAL = [0, 0.6, 0.6, 1];
export const STEEL = [0.7, 0.7, 0.72, 1];
export const RED = [0.9, 0.25, 0.25, 1];
export const GREEN = [0.25, 0.75, 0.45, 1];
export const BLUE = [0.2, 0.45, 0.7, 1];
export const WHITE = [0.95, 0.95, 0.95, 1];
export const BLACK = [0.1, 0.1, 0.1, 1];
