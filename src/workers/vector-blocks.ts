// A vector environment on the main thread: contiguous blocks of sub-environments, each in one worker. What they answer is
// put together so that nobody can tell how many there are. Calls must come one after the other.
import type { Info } from '../envs/env.ts';
import type { RenderOptions } from '../envs/render/options.ts';
import type { Value } from '../envs/spaces/space.ts';
import { batchTensor, type TensorData } from '../envs/spaces/tensor-data.ts';
import type { AutoresetMode } from '../envs/vector/autoreset.ts';
import { type Batch, Batches } from '../envs/vector/batch.ts';
import { type Infos, resetInfos, stepInfos } from '../envs/vector/infos.ts';
import { requireAll, requireRunning } from '../envs/vector/sub-environments.ts';
import { checkedMask, type Seeds, seedsOf } from '../envs/vector/vector-env.ts';
import { DomainError } from '../errors.ts';
import type { EnvironmentPool } from './environment-pool.ts';
import type { EnvironmentPlan, EnvironmentReplies, EnvironmentRequest, MadeEnvironment } from './protocol.ts';

export interface VectorPlan {
  readonly numEnvs: number;
  readonly autoresetMode: AutoresetMode;
}

export interface VectorReset {
  /** One for each sub-environment. */
  readonly observations: TensorData;
  readonly infos: Infos;
}

export interface VectorStep extends VectorReset {
  readonly rewards: readonly number[];
  readonly terminations: readonly boolean[];
  readonly truncations: readonly boolean[];
}

interface Block {
  readonly worker: number;
  /** Index of its first sub-environment. */
  readonly start: number;
  readonly count: number;
}

export class VectorBlocks {
  readonly numEnvs: number;
  readonly made: MadeEnvironment;
  readonly #id: string;
  readonly #mode: AutoresetMode;
  readonly #pool: EnvironmentPool;
  readonly #blocks: readonly Block[];
  readonly #observations: Batches;
  readonly #actions: Batches;
  #fresh = true;
  /** Whose episode the last step ended; with Disabled they wait for a reset. */
  #ended: readonly boolean[];

  private constructor(
    pool: EnvironmentPool,
    id: string,
    { numEnvs, autoresetMode }: VectorPlan,
    blocks: readonly Block[],
    made: MadeEnvironment,
  ) {
    this.numEnvs = numEnvs;
    this.made = made;
    this.#id = id;
    this.#mode = autoresetMode;
    this.#pool = pool;
    this.#blocks = blocks;
    this.#observations = new Batches(made.observationSpace);
    this.#actions = new Batches(made.actionSpace);
    this.#ended = new Array<boolean>(numEnvs).fill(false);
  }

  /** Throws what making one throws; then none is left. `firstWorker` holds the first block, those after it the others. */
  static async create(
    pool: EnvironmentPool,
    plan: EnvironmentPlan,
    vector: VectorPlan,
    firstWorker: number,
    isRetry = false,
  ): Promise<VectorBlocks> {
    const blocks = blocksOf(vector.numEnvs, firstWorker, pool.size);
    const { autoresetMode } = vector;
    const settled = await Promise.allSettled(
      blocks.map(async ({ worker, count }) => {
        const made = await pool.askFresh(worker, { type: 'createBlock', ...plan, count, autoresetMode });
        return { made, losses: pool.lossesOf(worker) };
      }),
    );
    const failed = settled.find((result) => result.status === 'rejected');
    const first = settled[0];
    // A worker may be lost while others still make their blocks, and take its own block with it.
    const isWhole = settled.every(
      (result, i) =>
        result.status === 'fulfilled' && result.value.losses === pool.lossesOf((blocks[i] as Block).worker),
    );
    if (isWhole && first?.status === 'fulfilled') {
      return new VectorBlocks(pool, plan.id, vector, blocks, first.value.made);
    }
    await Promise.allSettled(blocks.map(({ worker }) => pool.ask(worker, { type: 'close', id: plan.id })));
    if (failed !== undefined) throw failed.reason;
    if (!isRetry) return await VectorBlocks.create(pool, plan, vector, firstWorker, true);
    throw new DomainError('worker_lost', 'A worker thread was lost while it made its environments; try again.');
  }

  /** The workers without any of which it is gone. */
  get workers(): readonly number[] {
    return this.#blocks.map(({ worker }) => worker);
  }

  /** Whether a step would be refused. */
  get needsReset(): boolean {
    return this.#fresh || (this.#mode === 'Disabled' && this.#ended.includes(true));
  }

  /** Throws `invalid_request` for seeds or a mask that do not fit; then none is reset. */
  async reset(request: {
    readonly seed: Seeds | null;
    readonly options: Readonly<Record<string, unknown>>;
    readonly resetMask: readonly boolean[] | null;
  }): Promise<VectorReset> {
    const seeds = seedsOf(request.seed, this.numEnvs);
    const mask = checkedMask(request.resetMask, this.numEnvs);
    if (this.#fresh) requireAll(mask);
    const answers = await this.#askAll(({ start, count }) => ({
      type: 'resetBlock',
      id: this.#id,
      seeds: seeds.slice(start, start + count),
      options: request.options,
      mask: mask === null ? null : mask.slice(start, start + count),
    }));
    this.#fresh = false;
    this.#ended = this.#ended.map((ended, i) => ended && mask !== null && mask[i] !== true);
    return {
      observations: this.#observed(answers),
      infos: resetInfos(answers.flatMap(({ infos }): readonly (Info | null)[] => infos)),
    };
  }

  /** Throws `action_out_of_space` naming the index, or `reset_required`; then none has stepped. */
  async step(actions: unknown): Promise<VectorStep> {
    const batch = this.#actions.parse(actions, this.numEnvs);
    if (this.#mode === 'Disabled') requireRunning(this.#ended);
    const { size } = this.#actions;
    const answers = await this.#askAll(({ start, count }) => ({
      type: 'stepBlock',
      id: this.#id,
      actions: batch.slice(start * size, (start + count) * size),
    }));
    const finals = answers.flatMap(({ finals: ends }, i) =>
      ends.map(({ index, observation, info }) => ({
        index: index + (this.#blocks[i] as Block).start,
        observation: this.#observations.elementToJson(observation as Value),
        info,
      })),
    );
    const terminations = answers.flatMap((answer) => answer.terminations);
    const truncations = answers.flatMap((answer) => answer.truncations);
    this.#ended = terminations.map((terminated, i) => terminated || truncations[i] === true);
    return {
      observations: this.#observed(answers),
      rewards: answers.flatMap(({ rewards }) => Array.from(rewards)),
      terminations,
      truncations,
      infos: stepInfos(
        answers.flatMap(({ infos }) => infos),
        finals,
      ),
    };
  }

  /** Sub-environment `index` as a PNG. Throws `invalid_request` where there is none. */
  async render(index: number, options: RenderOptions): Promise<Uint8Array> {
    const block = this.#blockOf(index);
    return await this.#pool.ask(block.worker, { type: 'render', id: this.#id, index: index - block.start, options });
  }

  /** As `render`, as text. */
  async renderText(index: number): Promise<string> {
    const block = this.#blockOf(index);
    return await this.#pool.ask(block.worker, { type: 'renderText', id: this.#id, index: index - block.start });
  }

  /** How many sub-environments each block has, in their order. */
  get counts(): readonly number[] {
    return this.#blocks.map(({ count }) => count);
  }

  /** The state of each block, see snapshot-file.ts. */
  async getStates(): Promise<readonly Uint8Array[]> {
    return await this.#askAll(() => ({ type: 'getState', id: this.#id }));
  }

  /** Throws `checkpoint_incompatible`; then some blocks may have taken theirs. */
  async setStates(states: readonly Uint8Array[]): Promise<void> {
    const stateOf = new Map(this.#blocks.map((block, i) => [block, states[i] as Uint8Array]));
    const answers = await this.#askAll((block) => ({
      type: 'setState',
      id: this.#id,
      state: stateOf.get(block) as Uint8Array,
    }));
    this.#fresh = answers.some((answer) => answer?.fresh === true);
    this.#ended = answers.flatMap((answer) => answer?.ended ?? []);
  }

  async sampleActions(): Promise<TensorData> {
    const [worker = 0] = this.workers;
    const batch = await this.#pool.ask(worker, { type: 'sampleActions', id: this.#id, count: this.numEnvs });
    return batchTensor(this.made.actionSpace, this.numEnvs, batch);
  }

  /** The blocks' observations, one after the other. */
  #observed(answers: readonly { readonly observations: Batch }[]): TensorData {
    const all = this.#observations.empty(this.numEnvs);
    let next = 0;
    for (const { observations } of answers) {
      all.set(observations, next);
      next += observations.length;
    }
    return batchTensor(this.made.observationSpace, this.numEnvs, all);
  }

  /** That of sub-environment `index`. Throws `invalid_request` where there is none. */
  #blockOf(index: number): Block {
    const block = this.#blocks.find(({ start, count }) => index >= start && index < start + count);
    if (block === undefined) {
      throw new DomainError(
        'invalid_request',
        `Environment ${this.#id} has ${this.numEnvs} sub-environments; index is ${index}, send one from 0 to ${this.numEnvs - 1}.`,
      );
    }
    return block;
  }

  /** The answers in the order of the blocks. Waits for all even where one fails: the next call must not overtake any. */
  async #askAll<R extends EnvironmentRequest>(
    requestOf: (block: Block) => R,
  ): Promise<EnvironmentReplies[R['type']][]> {
    const settled = await Promise.allSettled(
      this.#blocks.map((block) => this.#pool.ask(block.worker, requestOf(block))),
    );
    return settled.map((result) => {
      if (result.status === 'rejected') throw result.reason;
      return result.value;
    });
  }
}

/** `count` in blocks as equal as can be, at most one a worker. */
function blocksOf(count: number, firstWorker: number, workers: number): Block[] {
  const blocks = Math.min(count, workers);
  const startOf = (block: number) => Math.floor((block * count) / blocks);
  return Array.from({ length: blocks }, (_, i) => ({
    worker: (firstWorker + i) % workers,
    start: startOf(i),
    count: startOf(i + 1) - startOf(i),
  }));
}
