// Server-sent events as a browser reads them.
import assert from 'node:assert/strict';

export interface ReadEvent {
  readonly id: number | null;
  readonly event: string;
  readonly data: { readonly id: number | null; readonly data: Record<string, unknown> };
}

export class EventReader {
  readonly response: Response;
  readonly comments: string[] = [];
  readonly #events: ReadEvent[] = [];
  readonly #reader;
  #text = '';

  constructor(response: Response) {
    this.response = response;
    this.#reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** False at the end. */
  async read(): Promise<boolean> {
    const chunk = await this.#reader?.read();
    if (chunk === undefined || chunk.done) return false;
    const blocks = (this.#text + chunk.value).split('\n\n');
    this.#text = blocks.pop() ?? '';
    for (const block of blocks) this.#take(block);
    return true;
  }

  async until(found: (event: ReadEvent) => boolean): Promise<void> {
    while (!this.#events.some(found)) assert.ok(await this.read(), 'The stream ended too early.');
  }

  async toEnd(): Promise<readonly ReadEvent[]> {
    while (await this.read());
    return this.#events;
  }

  async leave(): Promise<void> {
    await this.#reader?.cancel();
  }

  #take(block: string): void {
    if (block.startsWith(':')) return void this.comments.push(block.slice(1).trim());
    const fields = new Map(
      block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
    );
    const data = fields.get('data');
    if (data === undefined) return;
    const id = fields.get('id');
    this.#events.push({
      id: id === undefined ? null : Number(id),
      event: fields.get('event') ?? '',
      data: JSON.parse(data),
    });
  }
}
