// The engines to train with that work on this machine, so that a test is declared for each of them.
import type { Engine } from '../../../src/compute/engine.ts';
import { Engines } from '../../../src/compute/engines.ts';
import { ENGINE_SETTINGS, TRAINING_ENGINES } from '../../support/engine-settings.ts';

const engines = new Engines(ENGINE_SETTINGS);

export const trainingEngines: readonly Engine[] = await Promise.all(
  (await engines.list())
    .filter(({ name, available }) => available && TRAINING_ENGINES.includes(name))
    .map(({ name }) => engines.find(name)),
);
