// Backups on the wire.
import type { BackupRecord } from '../../services/backups.ts';
import type { Schema } from '../operation.ts';

export function backupToWire(backup: BackupRecord): Schema<'Backup'> {
  return {
    id: backup.id,
    object: 'backup',
    version: backup.version,
    size_bytes: backup.sizeBytes,
    agents: backup.agents,
    jobs: backup.jobs,
    checkpoints: backup.checkpoints,
    damaged: [...backup.damaged],
    created_at: backup.createdAt.toISOString(),
    // A backup never changes.
    updated_at: backup.createdAt.toISOString(),
  };
}
