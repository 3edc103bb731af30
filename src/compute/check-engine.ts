// Checks one engine in this process, which the engine may end: `node check-engine.js NAME SETTINGS`, the settings as JSON. What is
// wrong with it is the last line on standard output, with exit code 1.
import { type EngineSettings, Engines } from './engines.ts';

const [name, settings] = process.argv.slice(2) as [string, string];
const reason = await new Engines(JSON.parse(settings) as EngineSettings).checkHere(name);
if (reason !== null) {
  process.stdout.write(`\n${reason}\n`);
  process.exitCode = 1;
}
