import type { IncomingMessage, ServerResponse } from 'node:http';
import { correlationIdPattern } from '../correlation.ts';
import type { Listed } from '../../../ops/core/roster.ts';
import type { RequestContext, Role } from '../route.ts';

/** One request under way: what the handler sees of it, and what the server needs to end it. */
export class Exchange implements RequestContext<unknown, unknown, unknown>, Listed {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly correlationId: string;
  readonly startMs: number;
  deadlineMs: number;
  rosterAt = -1;
  userId = 0;
  role: Role = 'user';
  params: unknown = undefined;
  query: unknown = undefined;
  body: unknown = undefined;
  rawBody: Buffer | undefined = undefined;
  writeId = '';
  clientAddress = '';
  #controller: AbortController | undefined = undefined;
  /** Why it was aborted, for a signal that is asked for afterwards. */
  #endedBy: Error | undefined = undefined;

  constructor(request: IncomingMessage, response: ServerResponse, correlationId: string, startMs: number, deadlineMs: number) {
    this.request = request;
    this.response = response;
    this.correlationId = correlationId;
    this.startMs = startMs;
    this.deadlineMs = deadlineMs;
  }

  get headers(): RequestContext<unknown, unknown, unknown>['headers'] {
    return this.request.headers;
  }

  /** Made on first use, aborted already where the request has ended by then: most handlers never ask, and a controller costs as much as a route. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      const controller = new AbortController();
      this.#controller = controller;
      const onClose = (): void => {
        if (!this.response.writableFinished) controller.abort(new Error('the client went away'));
      };
      if (this.#endedBy !== undefined) controller.abort(this.#endedBy);
      else if (this.response.closed) onClose();
      else this.response.once('close', onClose);
    }
    return this.#controller.signal;
  }

  abort(reason: Error): void {
    this.#endedBy = reason;
    this.#controller?.abort(reason);
  }
}

/** The caller's correlation id where it is 8 to 64 of `A-Za-z0-9_-`, else a new one. */
export function correlationIdOf(request: IncomingMessage, make: () => string): string {
  const given = request.headers['x-correlation-id'];
  return typeof given === 'string' && correlationIdPattern.test(given) ? given : make();
}
