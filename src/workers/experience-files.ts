// What one training job saves beside its model: a small file for each checkpoint, and segments of which only those that changed
// are written and hashed again. Remembers what it wrote, or loaded; the files themselves are immutable.
import type { Experience, Segment } from '../agent/algorithm.ts';
import { type CheckpointDocument, decodeCheckpoint, encodeCheckpoint } from '../agent/checkpoint.ts';
import { DomainError } from '../errors.ts';
import type { Tensor, Tensors } from '../math/tensor.ts';
import { decodeSafetensors, encodeSafetensors } from '../safetensors.ts';
import type { Blobs } from '../storage/blobs.ts';
import type { ExperienceRef, NamedBlob } from '../storage/checkpoints.ts';

/** Format of a segment's file: one tensor, called as the segment. Nothing of the job, so that equal bytes are one file. */
const SEGMENT_VERSION = 1;

interface Written {
  readonly version: number;
  readonly blob: NamedBlob;
}

export class ExperienceFiles {
  readonly #blobs: Blobs;
  readonly #written = new Map<string, Written>();
  #loaded: { readonly tensors: Tensors; readonly segments: readonly NamedBlob[] } | null = null;

  constructor(blobs: Blobs) {
    this.#blobs = blobs;
  }

  /** Reads what `ref` names into `loaded`. Throws `checkpoint_corrupt` naming the part that is missing or was changed. */
  async load({ file, segments }: ExperienceRef): Promise<void> {
    const tensors: Record<string, Tensor> = {
      ...decodeCheckpoint(await this.#blobs.read(file, 'experience')).tensors,
    };
    for (const blob of segments) tensors[blob.name] = await this.#readSegment(blob);
    this.#loaded = { tensors, segments };
  }

  /** What was loaded, tensors and segments by their names; null where nothing was. */
  get loaded(): Tensors | null {
    return this.#loaded?.tensors ?? null;
  }

  /**
   * Told what `experience` is once the loaded one was put back: segments that are as they were loaded need not be written.
   * Compares bytes, so that nothing rests on how a learner counts versions. Lets go of what was loaded.
   */
  restored(experience: Experience): void {
    const loaded = this.#loaded;
    this.#loaded = null;
    for (const { name, tensor, version } of experience.segments) {
      const blob = loaded?.segments.find((segment) => segment.name === name);
      const before = loaded?.tensors[name];
      if (blob && before && isSame(tensor, before)) this.#written.set(name, { version, blob });
    }
  }

  /** Stores `experience` durably. */
  save(document: CheckpointDocument, { tensors, segments }: Experience): ExperienceRef {
    return {
      segments: segments.map((segment) => this.#saveSegment(segment)),
      file: this.#blobs.write(encodeCheckpoint(document, tensors)),
    };
  }

  #saveSegment({ name, tensor, version }: Segment): NamedBlob {
    const known = this.#written.get(name);
    if (known?.version === version) return known.blob;
    const document = { format_version: SEGMENT_VERSION, kind: 'segment' };
    const blob = { name, ...this.#blobs.write(encodeSafetensors(document, { [name]: tensor })) };
    this.#written.set(name, { version, blob });
    return blob;
  }

  async #readSegment(blob: NamedBlob): Promise<Tensor> {
    const part = `segment ${blob.name}`;
    const { tensors } = decodeSafetensors(await this.#blobs.read(blob, part), { what: part, version: SEGMENT_VERSION });
    const tensor = tensors[blob.name];
    if (tensor === undefined) {
      const held = Object.keys(tensors).join(', ');
      throw new DomainError(
        'checkpoint_corrupt',
        `The stored file ${blob.sha256} (${part}) holds ${held || 'nothing'}; restore another checkpoint of the agent.`,
      );
    }
    return tensor;
  }
}

function isSame(a: Tensor, b: Tensor): boolean {
  const bytes = ({ data }: Tensor) => Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return a.data.constructor === b.data.constructor && String(a.shape) === String(b.shape) && bytes(a).equals(bytes(b));
}
