// The calls that frames ask for: the operations of HTTP, with their own schemas and handlers.
import type { ValidateFunction } from 'ajv';
import type { Contract } from '../contract.ts';
import { DOCUMENT_ID } from '../contract.ts';
import type { environmentRoutes } from '../routes/environments.ts';
import { type RequestValidators, routeSchemaOf } from '../validation.ts';
import { validationProblem } from '../validation-problem.ts';

type Routes = ReturnType<typeof environmentRoutes>;

/** By the `type` of a frame. */
const OPERATION_OF = {
  reset: 'resetEnvironment',
  step: 'stepEnvironment',
  rollout: 'rollOutEnvironment',
  sample: 'sampleAction',
} as const satisfies Record<string, keyof Routes>;

type CallType = keyof typeof OPERATION_OF;

export interface StreamCall {
  readonly type: CallType;
  readonly id: string | number;
  readonly body: object;
}

export class StreamCalls {
  readonly #routes: Routes;
  readonly #frame: ValidateFunction;
  readonly #bodies: ReadonlyMap<CallType, ValidateFunction>;

  constructor(contract: Contract, validators: RequestValidators, routes: Routes) {
    this.#routes = routes;
    this.#frame = validators.compile({ $ref: `${DOCUMENT_ID}#/components/schemas/StreamRequest` }, 'body');
    this.#bodies = new Map(
      (Object.keys(OPERATION_OF) as CallType[]).map((type) => {
        const operation = contract.operations.find(({ operationId }) => operationId === OPERATION_OF[type]);
        if (operation === undefined) throw new Error(`openapi.yaml has no operation ${OPERATION_OF[type]}.`);
        return [type, validators.compile(routeSchemaOf(operation).body as object, 'body')];
      }),
    );
  }

  /** Throws `InvalidRequest`. */
  read(frame: unknown): StreamCall {
    if (!this.#frame(frame)) throw validationProblem(this.#frame.errors ?? [], 'frame');
    return frame as StreamCall;
  }

  /** The id of a frame that `read` refused, where it has one. */
  idOf(frame: unknown): string | number | null {
    const id = typeof frame === 'object' && frame !== null && 'id' in frame ? frame.id : null;
    if (typeof id === 'string' && id.length <= 64) return id;
    return Number.isSafeInteger(id) && (id as number) >= 0 ? (id as number) : null;
  }

  /** What the operation answers with 200. Throws what it throws. */
  async answer(environmentId: string, { type, body }: StreamCall): Promise<unknown> {
    const validate = this.#bodies.get(type) as ValidateFunction;
    if (!validate(body)) throw validationProblem(validate.errors ?? [], 'body');
    const call = {
      params: { environment_id: environmentId },
      body,
      accepts: 'application/json',
      // Columns, never an animation.
      prefers: () => null,
    };
    const handle = this.#routes[OPERATION_OF[type]] as (call: unknown) => Promise<{ readonly body: unknown }>;
    return (await handle(call)).body;
  }
}
