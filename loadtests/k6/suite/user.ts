import { check } from 'k6';
import exec from 'k6/execution';
import http from 'k6/http';
import type { Params, RefinedResponse } from 'k6/http';
import type { LaunchState } from '../../scenarios/launch-mix/state.ts';
import { KeyedRandom } from '../../swarm/random.ts';
import { judgeStatus } from '../../swarm/replies.ts';
import type { HttpReply, HttpRequest, VirtualUser } from '../../swarm/scenario.ts';
import { writeIdOf } from '../../swarm/write-id.ts';
import { settings } from './settings.ts';
import { coveredMs } from './spans.ts';
import type { Span } from './spans.ts';

const defaultTimeoutMs = 30_000;
type Reply = RefinedResponse<'text'>;

/** What the users of a run share. */
export interface MixShared {
  readonly users: number;
  /** Posts 1 to this were there at the start. */
  readonly posts: number;
}

/** The part of the engine's user that the journeys of the launch mix need. */
type Played = Pick<VirtualUser<LaunchState>, 'index' | 'step' | 'random' | 'http' | 'state' | 'shared' | 'writeId' | 'check' | 'dropWrite'>;

/**
 * One user of the engine's journeys during one step, on k6's transport: the same choices, requests,
 * ids and checks. Each check is k6's too, so that it counts there.
 */
export class K6User implements Played {
  readonly index: number;
  readonly step: number;
  readonly random: KeyedRandom;
  readonly http: { request(request: HttpRequest): Promise<HttpReply> };
  readonly shared: MixShared;
  state: LaunchState;
  failed = false;
  refused = false;
  // Not #private: k6 2.2.0 may crash on the fields of a class that has such ones beside functions.
  private readonly headers: Readonly<Record<string, string>>;
  private readonly served: Span[] = [];
  private readonly waited: Span[] = [];
  private writeIds = 0;
  private requests = 0;

  constructor(index: number, step: number, token: string, shared: MixShared, state: LaunchState) {
    this.index = index;
    this.step = step;
    this.shared = shared;
    this.state = state;
    this.random = new KeyedRandom(settings.seed, index, step);
    this.http = this;
    this.headers = { authorization: `Bearer ${token}`, 'x-forwarded-for': `10.${(index >>> 16) & 255}.${(index >>> 8) & 255}.${index & 255}` };
  }

  /** While any of the step's requests was out, as in the engine. */
  get serviceMs(): number {
    return coveredMs(this.served);
  }

  get poolWaitMs(): number {
    return coveredMs(this.waited);
  }

  readonly writeId = (): string => writeIdOf(settings.run, this.index, this.step, this.writeIds++);

  readonly check = (ok: boolean, name: string): boolean => {
    check(ok, { [name]: (value) => value });
    if (!ok) this.failed = true;
    return ok;
  };

  /** k6's runs are not audited, so there is no book to strike the write from. */
  readonly dropWrite = (): void => undefined;

  async request(request: HttpRequest): Promise<HttpReply> {
    const [body, type] = bodyOf(request.body);
    const headers = {
      ...this.headers, 'x-correlation-id': `${settings.run}-${this.index}-${this.step}-${this.requests++}`,
      ...(type === undefined ? {} : { 'content-type': type }), ...request.headers,
    };
    const params: Params & { responseType: 'text' } = {
      headers, responseType: 'text', timeout: request.timeoutMs ?? defaultTimeoutMs, responseCallback: expected(request),
      ...(request.name === undefined ? {} : { tags: { name: request.name } }),
    };
    // Times count from here: k6 says how long each lasted, and that it has ended only when the script's turn comes.
    const askedMs = exec.instance.currentTestRunDuration;
    const reply: Reply = await http.asyncRequest(request.method, `${settings.target}${request.path}`, body, params);
    this.countTimes(askedMs, reply.timings);
    if (reply.status === 0) {
      this.check(false, 'every request gets a reply');
      throw new Error(`${request.method} ${request.name ?? request.path}: ${reply.error}`);
    }
    const verdict = judgeStatus(reply.status, request);
    if (verdict === 'refused') this.refused = true;
    if (verdict === 'failed') this.check(false, `${request.name ?? 'the request'} is not answered ${reply.status}`);
    return replyOf(reply);
  }

  private countTimes(askedMs: number, { blocked, duration }: Reply['timings']): void {
    const sentMs = askedMs + blocked;
    this.waited.push({ fromMs: askedMs, untilMs: sentMs });
    this.served.push({ fromMs: sentMs, untilMs: sentMs + duration });
  }
}

function bodyOf(body: unknown): [string | null, string | undefined] {
  if (body === undefined) return [null, undefined];
  return typeof body === 'string' ? [body, undefined] : [JSON.stringify(body), 'application/json'];
}

/** The journeys look into bodies by position only; text has the same positions as bytes there. */
function replyOf(reply: Reply): HttpReply {
  const text = reply.body ?? '';
  const body = { length: text.length, toString: (_encoding?: string, from?: number, to?: number) => text.slice(from, to) };
  const headers = Object.fromEntries(Object.entries(reply.headers).map(([name, value]) => [name.toLowerCase(), value]));
  return { status: reply.status, headers, body: body as unknown as Buffer, json: <T>() => JSON.parse(text) as T };
}

const callbacks = new Map<string, ReturnType<typeof http.expectedStatuses>>();

/** Which statuses k6 counts as not failed: those the engine does. There are as many as steps name. */
function expected({ expect = [], refuse = [] }: HttpRequest): ReturnType<typeof http.expectedStatuses> {
  const statuses = [...expect, ...refuse];
  const key = statuses.join();
  const known = callbacks.get(key) ?? http.expectedStatuses({ min: 200, max: 399 }, ...statuses);
  callbacks.set(key, known);
  return known;
}
