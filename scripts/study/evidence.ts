// The files that a unit leaves: a table, the rows of its prefix, and a document that says what they are.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Commit, Machine } from './provenance.ts';
import type { UnitConfig } from './unit-config.ts';

export interface Evidence {
  readonly format: 1;
  readonly name: string;
  readonly group: string;
  readonly config_hash: string;
  readonly study_hash: string;
  readonly config: UnitConfig;
  readonly command: string;
  readonly date: string;
  readonly gymserve: { readonly version: string } & Commit;
  /** The commit that the unit began on, where it is another. */
  readonly began_on_commit?: string;
  readonly machine: Machine;
  readonly node: string;
  readonly engine: { readonly name: string; readonly identity: string | null; readonly threads: number };
  /** Units that ran at the same time, at most. */
  readonly jobs: number;
  /** While a job ran, interruptions left out; evaluations and checkpoints included. */
  readonly wall_s: number;
  readonly steps_per_second: number;
  /** The part that `--verify` repeats. */
  readonly prefix: {
    readonly timesteps: number;
    readonly model_sha256: string;
    readonly metrics_sha256: string;
    readonly wall_s: number;
  };
  readonly final: { readonly timesteps: number; readonly model_sha256: string };
}

export interface UnitFiles {
  readonly evidence: Evidence;
  readonly table: string;
  readonly prefix: string;
}

/** The document comes last: where it is, all is there. */
export function writeEvidence(folder: string, { evidence, table, prefix }: UnitFiles): void {
  const base = join(folder, evidence.name);
  writeWhole(`${base}.csv`, table);
  writeWhole(`${base}.prefix.csv`, prefix);
  writeWhole(`${base}.json`, `${JSON.stringify(evidence, null, 2)}\n`);
}

export function readEvidence(file: string): Evidence {
  const document: unknown = JSON.parse(readFileSync(file, 'utf8'));
  if (typeof document !== 'object' || document === null || !('config_hash' in document) || !('prefix' in document))
    throw new Error(`${file} is not a unit of a study.`);
  return document as Evidence;
}

/** All units below `folder`, by name, with seeds as numbers. */
export function findEvidence(folder: string): { file: string; evidence: Evidence }[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) =>
      readdirSync(join(folder, name))
        .filter((file) => /-seed\d+\.json$/.test(file))
        .map((file) => join(folder, name, file)),
    )
    .map((file) => ({ file, evidence: readEvidence(file) }))
    .sort((a, b) => compare(a.evidence.group, b.evidence.group) || a.evidence.config.seed - b.evidence.config.seed);
}

/** Either the old file or the new one, whatever happens in between. */
export function writeWhole(file: string, content: string | Uint8Array): string {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.part`, content);
  renameSync(`${file}.part`, file);
  return file;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
