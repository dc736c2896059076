import type { Books } from './books.ts';
import { Exchange } from './exchange.ts';
import { failureOfReply, fateOfWrite, judgeReply } from './replies.ts';
import { bodyOf, checkPath, headerLines, namesContentType, namesHeader } from './request-text.ts';
import type { HttpReply, HttpRequest } from './scenario.ts';
import type { StepUser } from './step-user.ts';
import { asksForLinks, checkLinks } from './transport/scenario-links.ts';
import type { WriteLedger } from './write-ledger.ts';

const correlationHeader = 'x-correlation-id';

/** A request of a step, and how its caller hears of the end. */
export class StepExchange extends Exchange {
  readonly user: StepUser;
  readonly request: HttpRequest;
  /** The id it is sent with; '' where the request names one itself. */
  readonly correlationId: string;
  resolve: ((reply: HttpReply) => void) | undefined = undefined;
  reject: ((error: Error) => void) | undefined = undefined;

  /** @throws SoraError on a path or header that cannot go on the wire */
  constructor(user: StepUser, request: HttpRequest, userHeaders: string, onDone: (done: Exchange) => void) {
    const { body, type } = bodyOf(request.body);
    const named = type === '' || namesContentType(request.headers);
    const correlationId = namesHeader(request.headers, correlationHeader) ? '' : user.nextCorrelationId();
    const correlation = correlationId === '' ? '' : `${correlationHeader}: ${correlationId}\r\n`;
    const headers = `${userHeaders}${correlation}${headerLines(request.headers)}${named ? '' : type}`;
    super(request.method, checkPath(request.path), headers, body, request.timeoutMs ?? 0, onDone);
    this.correlationId = correlationId;
    this.user = user;
    this.place = user.place;
    if (asksForLinks(request)) this.links = checkLinks(request);
    this.request = request;
  }

  /** Takes the outcome into the step's and the run's books, then lets the journey go on. */
  settle(books: Books, writes: WriteLedger): void {
    const { user, request, reply } = this;
    const written = this.writtenMs >= 0;
    const serviceMs = written ? this.doneMs - this.writtenMs : 0;
    const verdict = reply === undefined ? 'failed' : judgeReply(reply, request);
    this.#settleWrite(writes, written);
    if (!user.closed) {
      user.written ||= written;
      if (written) user.countService(this.writtenMs, this.doneMs);
      user.countWait(this.enqueuedMs, written ? this.writtenMs : this.doneMs);
      user.lastByteMs = this.doneMs;
      user.lastReply = reply ?? user.lastReply;
      if (verdict === 'refused') user.refused = true;
      else if (verdict === 'failed') this.#blame();
    }
    // What an interrupt cut off says nothing of the system.
    if (!user.forgotten) books.request(user, verdict === 'failed', serviceMs * 1_000, this.bytesSent, this.bytesReceived);
    if (user.trace !== undefined) this.#record(serviceMs);
    if (reply !== undefined) this.resolve?.(reply);
    else this.reject?.(this.error!); // A settled exchange has one of the two.
  }

  /** What finds this request in the logs: the reply's id where there is one. */
  get foundBy(): string {
    return this.reply?.headers[correlationHeader] ?? this.correlationId;
  }

  #blame(): void {
    const { method, path } = this.request;
    const correlationId = this.foundBy;
    if (this.reply === undefined) {
      this.user.fail({ kind: this.error!.kind, message: `${method} ${path}: ${this.error!.message}`, correlationId });
      return;
    }
    const { kind, message } = failureOfReply(this.reply, this.request);
    this.user.fail({ kind, message: `${message}: ${this.reply.body.toString('utf8', 0, 200)}`, correlationId });
  }

  #record(serviceMs: number): void {
    this.user.trace?.push({
      method: this.method,
      path: this.path,
      headers: this.headers,
      body: this.body === undefined ? '' : this.body.toString('utf8'),
      status: this.reply?.status ?? 0,
      serviceUs: serviceMs * 1_000,
      correlationId: this.foundBy,
    });
  }

  /** A step's acknowledged writes count when it ends, so that `dropWrite` may still take them back. */
  #settleWrite(writes: WriteLedger, written: boolean): void {
    const { user } = this;
    const { write } = this.request;
    if (write === undefined) return;
    const fate = fateOfWrite(this.reply?.status, written, this.doubtful);
    if (fate === 'unknown') writes.doubt(user.index, write.id, write.kind);
    if (fate !== 'acknowledged' || user.dropped?.includes(write.id) === true) return;
    if (user.closed) writes.acknowledge(user, write.id, write.kind);
    else if (user.writes === undefined) user.writes = [write];
    else if (!user.writes.some((known) => known.id === write.id)) user.writes.push(write);
  }
}
