// The Node-API addon of @tensorflow/tfjs-node and @tensorflow/tfjs-node-gpu, which is all that is used of them: it loads and runs
// SavedModels. Their JavaScript would bring a second tfjs into the process, one that takes the tracer's place as the backend.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { DomainError } from '../../errors.ts';
import { prepareEnvironment } from '../process-environment.ts';

export type PackageName = '@tensorflow/tfjs-node' | '@tensorflow/tfjs-node-gpu';

/** What binding/tfjs_binding.cc exports, as far as it is used here. Tensors and models are numbers, and live until they are deleted. */
export interface Addon {
  readonly TF_Version: string;
  readonly TF_FLOAT: number;
  readonly TF_INT32: number;
  isUsingGpuDevice(): boolean;
  createTensor(shape: readonly number[], type: number, data: Float32Array | Int32Array): number;
  deleteTensor(tensor: number): void;
  /** A copy. */
  tensorDataSync(tensor: number): Float32Array;
  /** Tags, and below names of nodes, with commas between. */
  loadSavedModel(directory: string, tags: string): number;
  runSavedModel(
    model: number,
    inputs: readonly number[],
    inputNames: string,
    outputNames: string,
  ): readonly { readonly id: number }[];
  deleteSavedModel(model: number): void;
}

interface Found {
  readonly path: string;
  /** Of the package. */
  readonly version: string;
}

const require = createRequire(import.meta.url);

/** The package.json of this project, seen from src/ and from dist/src/. */
const PROJECT = ['../../../package.json', '../../../../package.json'];

/** Why there is no addon of `name`, or null; opens nothing. */
export function absentAddon(name: PackageName): string | null {
  const found = findAddon(name);
  return typeof found === 'string' ? found : null;
}

/** Where the addon of `name` lies, or why there is none. */
function findAddon(name: PackageName): Found | string {
  const directory = directories(name).find((candidate) => existsSync(join(candidate, 'package.json')));
  if (directory === undefined) return `${name} is not installed.`;
  const { version } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as { version: string };
  const wanted = wantedVersion(name);
  // Another one binds another libtensorflow, and its functions may not be those of `Addon`.
  if (version !== wanted) return `${name} ${version} lies in ${directory}; this server works with ${wanted} alone.`;
  const path = addonIn(join(directory, 'lib'));
  return path === undefined ? `${name} ${version} lies in ${directory} without its native part.` : { path, version };
}

function wantedVersion(name: PackageName): string {
  const path = PROJECT.map((candidate) => new URL(candidate, import.meta.url)).find((candidate) =>
    existsSync(candidate),
  );
  const { peerDependencies } = JSON.parse(readFileSync(path as URL, 'utf8')) as {
    peerDependencies: Record<string, string>;
  };
  return peerDependencies[name] as string;
}

/** The package as a dependency, or in the folder that the scripts of this project put it into. */
function directories(name: PackageName): string[] {
  return (require.resolve.paths(name) ?? []).flatMap((modules) => [
    join(modules, `.${basename(name)}`, 'node_modules', name),
    join(modules, name),
  ]);
}

/** There is one for each version of Node-API; this Node runs those up to its own. */
function addonIn(library: string): string | undefined {
  if (!existsSync(library)) return undefined;
  const versions = readdirSync(library)
    .map((folder) => Number(/^napi-v(\d+)$/.exec(folder)?.[1]))
    .filter((version) => version <= Number(process.versions.napi))
    .sort((a, b) => b - a);
  return versions.map((version) => join(library, `napi-v${version}`, 'tfjs_binding.node')).find(existsSync);
}

/** The addon of `name`, loaded into this thread. Throws `engine_not_available`. */
export function loadAddon(name: PackageName): { readonly addon: Addon; readonly version: string } {
  const found = findAddon(name);
  if (typeof found === 'string') throw new DomainError('engine_not_available', found);
  prepareEnvironment();
  try {
    return { addon: require(found.path) as Addon, version: found.version };
  } catch (thrown) {
    const { message } = thrown as Error;
    throw new DomainError('engine_not_available', `${found.path} does not load: ${message}`, { cause: thrown });
  }
}
