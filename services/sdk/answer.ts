import { SoraError } from '../../ops/core/error.ts';
import type { SdkReply } from './transport.ts';

/** A problem document (RFC 9457) that the API answered with. */
export class ApiError extends SoraError {
  readonly correlationId: string | undefined;

  constructor(status: number, code: string, detail: string, correlationId: string | undefined) {
    super(code, detail, { status });
    this.name = 'ApiError';
    this.correlationId = correlationId;
  }
}

/** A reply whose body is parsed only when asked for: a load generator seldom needs all of it. */
export class Answer<Data> {
  readonly #reply: SdkReply;

  constructor(reply: SdkReply) {
    this.#reply = reply;
  }

  get status(): number {
    return this.#reply.status;
  }

  get ok(): boolean {
    return this.#reply.status < 400;
  }

  /** The body as it came. */
  get body(): Buffer {
    return this.#reply.body;
  }

  /** The parsed body. @throws ApiError when the API refused */
  data(): Data {
    if (this.ok) return this.#reply.json<Data>();
    const problem = readProblem(this.#reply);
    throw new ApiError(this.status, problem.code, problem.detail, this.#reply.headers['x-correlation-id']);
  }
}

function readProblem(reply: SdkReply): { code: string; detail: string } {
  try {
    const problem = reply.json<{ code?: string; detail?: string; title?: string }>();
    return { code: problem.code ?? 'unknown', detail: problem.detail ?? problem.title ?? `status ${reply.status}` };
  } catch {
    return { code: 'unknown', detail: `status ${reply.status} with a body that is no problem document` };
  }
}
