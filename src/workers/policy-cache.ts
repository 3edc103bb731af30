// Compiled policies of the agents that acted last. Knows where parameters come from, not when they change.
import { type ActionCodec, actionCodec } from '../agent/action-codec.ts';
import type { Policy } from '../agent/algorithm.ts';
import { findAlgorithm } from '../agent/algorithm-registry.ts';
import type { Engines } from '../compute/engines.ts';
import { fromDocument } from '../envs/spaces/from-document.ts';
import type { SpaceDocument, SpaceOf, Value } from '../envs/spaces/space.ts';
import { type Batch, Batches } from '../envs/vector/batch.ts';
import { Pcg64 } from '../math/pcg64.ts';
import type { Blobs } from '../storage/blobs.ts';
import { asArray } from '../training/evaluate.ts';
import { policyState } from './policy-state.ts';
import type { EnvironmentReplies, EnvironmentRequest, PolicySource } from './protocol.ts';

type ActRequest = Extract<EnvironmentRequest, { type: 'act' }>;

/** Which policy acts, as a request names it. */
export type PolicyRequest = Pick<ActRequest, 'agentId' | 'version' | 'policy'>;

/** One action for one observation, of the dtype of the agent's action space. */
export type Actor = (observation: Value) => Promise<Value>;

interface Compiled {
  readonly policy: Policy;
  readonly version: string;
  readonly codec: ActionCodec;
  readonly observationSpace: SpaceOf<Value>;
  readonly actionSpace: SpaceDocument;
  readonly rng: Pcg64;
}

/** A compiled policy of HalfCheetah's size holds about a megabyte. */
const CAPACITY = 16;

export class PolicyCache {
  readonly #blobs: Blobs;
  readonly #engines: Engines;
  /** Least recently used first. */
  readonly #compiled = new Map<string, Compiled>();

  constructor(blobs: Blobs, engines: Engines) {
    this.#blobs = blobs;
    this.#engines = engines;
  }

  async act({ observations, deterministic, ...request }: ActRequest): Promise<EnvironmentReplies['act']> {
    const compiled = await this.#find(request);
    return compiled === null ? { lacking: true } : { actions: await actOn(compiled, observations, deterministic) };
  }

  /** Acts until the next request of this worker; draws with `rng`, where it is null the mean acts. Null where the policy lacks. */
  async actor(request: PolicyRequest, rng: Pcg64 | null): Promise<Actor | null> {
    const compiled = await this.#find(request);
    if (compiled === null) return null;
    const { policy, codec } = compiled;
    const mode = rng === null ? ({ deterministic: true } as const) : ({ deterministic: false, rng } as const);
    return async (observation) => codec.toSpace(await policy.act(asArray(observation), mode));
  }

  async #find({ agentId, version, policy: source }: PolicyRequest): Promise<Compiled | null> {
    const held = this.#compiled.get(agentId);
    const current = held?.version === version;
    if (!current && source === null) return null;
    const compiled = current ? held : await this.#compile(version, source as PolicySource, held);
    this.#compiled.delete(agentId);
    this.#compiled.set(agentId, compiled);
    return compiled;
  }

  async #compile(version: string, source: PolicySource, held: Compiled | undefined): Promise<Compiled> {
    const state = await policyState(source, this.#blobs);
    if (held !== undefined) {
      held.policy.setState(state);
      return { ...held, version };
    }
    const algorithm = findAlgorithm(source.algorithm);
    const spaces = algorithm.checkSpaces(source.observationSpace, source.actionSpace);
    const engine = await this.#engines.find(source.engine);
    const policy = await algorithm.createPolicy({ hyperparameters: source.hyperparameters, spaces, engine, state });
    for (const [oldest, { policy: unused }] of this.#compiled) {
      if (this.#compiled.size < CAPACITY) break;
      this.#compiled.delete(oldest);
      await unused.dispose();
    }
    return {
      policy,
      version,
      codec: actionCodec(spaces.action),
      observationSpace: fromDocument(source.observationSpace),
      actionSpace: source.actionSpace,
      // Drawn actions need no seed of their own: `act` promises a distribution, `evaluate` promises repeatability.
      rng: Pcg64.fromSeed(0),
    };
  }
}

async function actOn(
  { policy, codec, observationSpace, actionSpace, rng }: Compiled,
  observations: readonly unknown[],
  deterministic: boolean,
): Promise<Batch> {
  const parsed = observations.map((observation) => asArray(observationSpace.parse(observation, 'observation')));
  const width = parsed[0]?.length ?? 0;
  const batch = new Float32Array(parsed.length * width);
  for (const [i, observation] of parsed.entries()) batch.set(observation, i * width);
  const actions = await policy.act(batch, deterministic ? { deterministic } : { deterministic, rng });
  const size = actions.length / parsed.length;
  const batches = new Batches(actionSpace);
  const elements = batches.empty(parsed.length);
  for (let i = 0; i < parsed.length; i++)
    batches.write(elements, i, codec.toSpace(actions.subarray(i * size, (i + 1) * size)));
  return elements;
}
