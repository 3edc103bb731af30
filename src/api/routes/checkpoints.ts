import { createReadStream } from 'node:fs';
import type { CheckpointRecord } from '../../services/checkpoints.ts';
import { digestClaimed } from '../digest.ts';
import { sendFile } from '../download.ts';
import { created, GONE, type Handlers, json } from '../operation.ts';
import { listOf, pageQueryOf } from '../page.ts';
import type { CheckpointsService, ReplaysService } from '../services.ts';
import { checkpointToWire } from '../wire/checkpoint.ts';

export function checkpointRoutes(checkpoints: CheckpointsService, replays: ReplaysService) {
  return {
    importCheckpoint: async ({ body, headers, keep }) => {
      const reply = (checkpoint: CheckpointRecord) =>
        created(201, `/v1/checkpoints/${checkpoint.id}`, checkpointToWire(checkpoint));
      const sha256 = digestClaimed(headers);
      return reply(await checkpoints.import(body, sha256, (checkpoint) => keep(reply(checkpoint))));
    },

    listCheckpoints: async ({ query }) => {
      const { agent_id: agentId = null } = query;
      return json(200, listOf(checkpoints.list({ agentId, ...pageQueryOf(query, 'ckpt') }), checkpointToWire));
    },

    getCheckpoint: async ({ params }) => json(200, checkpointToWire(checkpoints.get(params.checkpoint_id))),

    getCheckpointContent: async ({ params, headers }) => {
      const { path, sizeBytes, sha256 } = await checkpoints.content(params.checkpoint_id);
      const read = (start: number, end: number) => createReadStream(path, { start, end });
      return sendFile({ sizeBytes, sha256, read }, `${params.checkpoint_id}.safetensors`, headers);
    },

    getCheckpointReplay: async ({ params, headers }) =>
      sendFile(await replays.file(params.checkpoint_id), `${params.checkpoint_id}-replay.safetensors`, headers),

    deleteCheckpoint: async ({ params }) => {
      await checkpoints.delete(params.checkpoint_id);
      return GONE;
    },
  } satisfies Partial<Handlers>;
}
