import { createReadStream } from 'node:fs';
import { digestClaimed } from '../digest.ts';
import { sendFile } from '../download.ts';
import { created, GONE, type Handlers, json } from '../operation.ts';
import type { CheckpointsService, ReplaysService } from '../services.ts';
import { checkpointToWire } from '../wire/checkpoint.ts';

export function checkpointRoutes(checkpoints: CheckpointsService, replays: ReplaysService) {
  return {
    importCheckpoint: async ({ body, headers }) => {
      const checkpoint = await checkpoints.import(body, digestClaimed(headers));
      return created(201, `/v1/checkpoints/${checkpoint.id}`, checkpointToWire(checkpoint));
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
