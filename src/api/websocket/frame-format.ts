// How frames are written: one form for each sub-protocol.
import { parseBody } from '../json.ts';
import { parseMsgpack, toMsgpack } from '../msgpack.ts';
import { toJsonInSlices } from '../serializer.ts';

export interface FrameFormat {
  /** Of the frames, in RFC 6455's sense; otherwise they are text. */
  readonly isBinary: boolean;
  /** Throws `InvalidRequest`. */
  readonly parse: (frame: Buffer) => unknown;
  readonly write: (value: unknown) => Promise<string | Uint8Array>;
}

/** Tensors stand in the fields of a frame's `body`. */
const TENSOR_LEVELS = 2;

export const FORMATS = {
  'gymserve.v1.json': { isBinary: false, parse: (frame) => parseBody(frame.toString()), write: toJsonInSlices },
  'gymserve.v1.msgpack': {
    isBinary: true,
    parse: (frame) => parseMsgpack(frame, TENSOR_LEVELS),
    write: async (value) => toMsgpack(value),
  },
} as const satisfies Record<string, FrameFormat>;

export type SubProtocol = keyof typeof FORMATS;
/** The first one is spoken where a client offers none. */
export const SUB_PROTOCOLS = Object.keys(FORMATS) as SubProtocol[];
