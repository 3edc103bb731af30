// Exact snapshots of live environments as files, and back. Files are written and read in a worker.
import { withDefaults } from '../envs/kwargs.ts';
import { findSpec } from '../envs/registry.ts';
import { formatNumber, parseNumber } from '../envs/spaces/json-tensor.ts';
import { findWrapper } from '../envs/wrappers/wrapper-registry.ts';
import { DomainError } from '../errors.ts';
import type { EnvironmentPool } from '../workers/environment-pool.ts';
import { SNAPSHOT_VERSION, type SnapshotDocument, type SnapshotIdentity } from '../workers/snapshot-file.ts';
import type { LiveRecord } from './environment-record.ts';
import { type Live, workerOf } from './live-environments.ts';

export interface SnapshotFile {
  readonly file: Uint8Array;
  /** In hex. */
  readonly sha256: string;
}

export async function takeSnapshot(pool: EnvironmentPool, live: Live): Promise<SnapshotFile> {
  const { vector } = live;
  const states = await statesOf(pool, live);
  const document = documentOf(live);
  return await pool.ask(workerOf(live), { type: 'writeSnapshot', document, states, counts: vector?.counts ?? null });
}

/** After these there is no environment any more that could be put back. */
const ENDS: ReadonlySet<string> = new Set(['worker_lost', 'step_timeout']);

/** Throws `checkpoint_corrupt` or `checkpoint_incompatible`; then nothing has changed. */
export async function restoreSnapshot(pool: EnvironmentPool, live: Live, file: Uint8Array): Promise<void> {
  const identity = identityOf(live.record);
  const counts = live.vector?.counts ?? null;
  const { counters, states } = await pool.ask(workerOf(live), { type: 'readSnapshot', file, identity, counts });
  const before = await statesOf(pool, live);
  try {
    await setStates(pool, live, states);
  } catch (error) {
    if (error instanceof DomainError && ENDS.has(error.code)) throw error;
    // One block may have taken its part while another refused, and an environment may stand in between.
    await setStates(pool, live, before);
    throw error;
  }
  const { episode_return: episodeReturn } = counters;
  live.record = {
    ...live.record,
    // The count of calls goes on, so that a step from before, sent again, cannot be taken for a new one.
    seq: live.record.seq + 1,
    episodeStep: counters.episode_step,
    episodeReturn: episodeReturn === null ? null : parseNumber(episodeReturn, 'episode_return'),
    needsReset: live.vector?.needsReset ?? counters.needs_reset,
  };
  live.answers.clear();
  live.nextSeed = counters.next_reset_seed;
}

async function statesOf(pool: EnvironmentPool, live: Live): Promise<readonly Uint8Array[]> {
  if (live.vector !== null) return await live.vector.getStates();
  return [await pool.ask(workerOf(live), { type: 'getState', id: live.record.id })];
}

async function setStates(pool: EnvironmentPool, live: Live, states: readonly Uint8Array[]): Promise<void> {
  if (live.vector !== null) return await live.vector.setStates(states);
  await pool.ask(workerOf(live), { type: 'setState', id: live.record.id, state: states[0] as Uint8Array });
}

function documentOf({ record, nextSeed }: Live): SnapshotDocument {
  const { episodeStep, episodeReturn, needsReset } = record;
  return {
    format_version: SNAPSHOT_VERSION,
    kind: 'environment',
    ...identityOf(record),
    episode_step: episodeStep,
    episode_return: episodeReturn === null ? null : formatNumber(episodeReturn),
    needs_reset: needsReset,
    next_reset_seed: nextSeed,
  };
}

/** With every default filled in, so that a snapshot does not depend on which were written out, nor on later defaults. */
function identityOf(record: LiveRecord): SnapshotIdentity {
  return {
    spec_id: record.specId,
    kwargs: withDefaults(findSpec(record.specId).kwargsSchema, record.kwargs),
    wrappers: record.wrappers.map(({ name, kwargs = {} }) => ({
      name,
      kwargs: withDefaults(findWrapper(name).kwargsSchema, kwargs),
    })),
    max_episode_steps: record.maxEpisodeSteps,
    num_envs: record.vector?.numEnvs ?? null,
    autoreset_mode: record.vector?.autoresetMode ?? null,
  };
}
