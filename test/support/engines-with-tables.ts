// The engines of this build that keep tables, and why one does not work here: so that a test is declared for each of them.
import { type Engine, KEEPS_TABLES } from '../../src/compute/engine.ts';
import { Engines } from '../../src/compute/engines.ts';
import { tfjsNodeEngine, tfjsNodeGpuEngine } from '../../src/compute/tensorflow/engine.ts';
import { ENGINE_SETTINGS } from './engine-settings.ts';

const listed = await new Engines(ENGINE_SETTINGS).list();

export const enginesWithTables: readonly { readonly engine: Engine; readonly skip: string | false }[] = [
  tfjsNodeEngine,
  tfjsNodeGpuEngine,
].map((engine) => ({ engine, skip: listed.find(({ name }) => name === engine.name)?.reason ?? false }));

if (enginesWithTables.length !== KEEPS_TABLES.size)
  throw new Error('There is an engine with tables that no test knows.');
