import { createReadStream } from 'node:fs';
import { DomainError } from '../../errors.ts';
import { parseRange } from '../byte-range.ts';
import { fileHeaders, namesTag } from '../download.ts';
import { GONE, type Handlers, json } from '../operation.ts';
import type { CheckpointsService } from '../services.ts';
import { checkpointToWire } from '../wire/checkpoint.ts';

export function checkpointRoutes(checkpoints: CheckpointsService) {
  return {
    getCheckpoint: async ({ params }) => json(200, checkpointToWire(checkpoints.get(params.checkpoint_id))),

    getCheckpointContent: async ({ params, headers }) => {
      const { path, sizeBytes, sha256 } = await checkpoints.content(params.checkpoint_id);
      const file = fileHeaders(sha256, `${params.checkpoint_id}.safetensors`);
      if (namesTag(headers['if-none-match'], file.ETag)) return { status: 304, headers: { ETag: file.ETag } };
      const common = { ...file, 'Accept-Ranges': 'bytes' } as const;
      const type = 'application/octet-stream';
      const stale = headers['if-range'] !== undefined && headers['if-range'] !== file.ETag;
      const range = stale ? null : parseRange(headers.range, sizeBytes);
      if (range === null) {
        return {
          status: 200,
          type,
          headers: { ...common, 'Content-Length': `${sizeBytes}` },
          body: createReadStream(path),
        };
      }
      if (range === 'unsatisfiable') {
        const detail = `The file has ${sizeBytes} bytes and Range is "${headers.range}"; ask for bytes that it has.`;
        throw new DomainError('range_not_satisfiable', detail);
      }
      const { first, last } = range;
      return {
        status: 206,
        type,
        headers: {
          ...common,
          'Content-Range': `bytes ${first}-${last}/${sizeBytes}`,
          'Content-Length': `${last - first + 1}`,
        },
        body: createReadStream(path, { start: first, end: last }),
      };
    },

    deleteCheckpoint: async ({ params }) => {
      await checkpoints.delete(params.checkpoint_id);
      return GONE;
    },
  } satisfies Partial<Handlers>;
}
