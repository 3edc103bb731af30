// How much memory MuJoCo sets aside for an environment's contacts and constraints.
import { element } from './mjcf.ts';

/**
 * An arena of `memory`, such as "256K". MuJoCo's default of 14 MB would fit 150 environments in a module. Results are the
 * same as long as it suffices (a test compares them): at the worst of 30 violent episodes a robot that touches only the
 * floor took 20 KB, and a humanoid, lying, 176 KB. Where it did not suffice MuJoCo would leave out contacts.
 */
export function arena(memory: string): string {
  return element('size', { memory });
}
