// Checkpoints on the wire.

import type { CheckpointRecord } from '../../services/checkpoints.ts';
import type { Schema } from '../operation.ts';

export function checkpointToWire(checkpoint: CheckpointRecord): Schema<'Checkpoint'> {
  return {
    id: checkpoint.id,
    object: 'checkpoint',
    agent_id: checkpoint.agentId,
    job_id: checkpoint.jobId,
    timesteps: checkpoint.timesteps,
    size_bytes: checkpoint.sizeBytes,
    sha256: checkpoint.sha256,
    has_replay: checkpoint.hasReplay,
    labels: checkpoint.labels,
    damage: checkpoint.damage,
    created_at: checkpoint.createdAt.toISOString(),
    // A checkpoint never changes.
    updated_at: checkpoint.createdAt.toISOString(),
  };
}
