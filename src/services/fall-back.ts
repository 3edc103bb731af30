// Where an agent or a job can go on from: after a checkpoint whose files turn out to be damaged, and after numbers that went astray.
import type { AgentStore } from '../storage/agents.ts';
import type { CheckpointRow } from '../storage/checkpoints.ts';
import type { JobRow } from '../storage/jobs.ts';
import type { Checkpoints } from './checkpoints.ts';

interface Stores {
  readonly agents: AgentStore;
  readonly checkpoints: Checkpoints;
}

/**
 * From now on `damagedId` is known to be damaged, and an agent that stood on it stands on the newest of its checkpoints before that
 * are not. Returns where it stands, null where there is none: then it stays where it is. Nothing is deleted.
 */
export function fallBackOfAgent(stores: Stores, agentId: string, damagedId: string, why: string): CheckpointRow | null {
  const { agents, checkpoints } = stores;
  checkpoints.markDamaged(damagedId, why);
  const next = checkpoints.soundBefore(agentId, damagedId);
  if (next === null || agents.find(agentId)?.checkpointId !== damagedId) return next;
  agents.setCheckpoint(agentId, next.id);
  process.emitWarning(`Agent ${agentId} goes on from checkpoint ${next.id} at ${next.timesteps} timesteps: ${why}`);
  return next;
}

/** As `fallBackOfAgent`, of a job that was started at `damagedId`: its own newest checkpoint, else where it began, else one before. */
export function fallBackOfJob(stores: Stores, job: JobRow, damagedId: string, why: string): CheckpointRow | null {
  const { checkpoints } = stores;
  const own = checkpoints.ofJob(job.id);
  // Written since it started, so that its start was read well.
  if (own.some(({ id }) => id > damagedId && !checkpoints.isDamaged(id))) return null;
  fallBackOfAgent(stores, job.agentId, damagedId, why);
  const sound = own.find(({ id }) => !checkpoints.isDamaged(id));
  if (sound !== undefined) return sound;
  // What it was given from outside is in its own checkpoints alone, once it has any.
  if (job.type === 'learn' && own.length > 0) return null;
  const start = checkpoints.row(job.startCheckpointId);
  return checkpoints.isDamaged(start.id) ? checkpoints.soundBefore(job.agentId, start.id) : start;
}

/** Of a job whose numbers went astray: when that was, and what the agent goes on from. No checkpoint is written of such numbers. */
export function lastGoodOf({ agents, checkpoints }: Stores, { agentId, progress }: JobRow): string {
  const agent = agents.find(agentId);
  if (agent === undefined) return '';
  const { id, timesteps } = checkpoints.row(agent.checkpointId);
  return ` This was at ${progress.timesteps} timesteps; the last good checkpoint is ${id} at ${timesteps} timesteps, where the agent stands now.`;
}
