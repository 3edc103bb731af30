import { created, GONE, type Handlers, json } from '../operation.ts';
import { listOf, pageQueryOf } from '../page.ts';
import type { BackupsService } from '../services.ts';
import { backupToWire } from '../wire/backup.ts';

export function backupRoutes(backups: BackupsService) {
  return {
    createBackup: async () => {
      const backup = await backups.create();
      return created(201, `/v1/backups/${backup.id}`, backupToWire(backup));
    },

    listBackups: async ({ query }) => json(200, listOf(await backups.list(pageQueryOf(query, 'bkp')), backupToWire)),

    getBackup: async ({ params }) => json(200, backupToWire(await backups.get(params.backup_id))),

    deleteBackup: async ({ params }) => {
      await backups.delete(params.backup_id);
      return GONE;
    },
  } satisfies Partial<Handlers>;
}
