import { Accumulator } from './accumulator.ts';
import type { Waiter } from './admission.ts';
import { BodyReader } from './body.ts';
import type { Wire, WireEvents } from './contract.ts';
import { queuedBytesMax } from './contract.ts';
import { clientAddress, plainAddress } from './forwarded.ts';
import { findHeadEnd } from './header-cursor.ts';
import { overloadedDetail, renderOverloaded, renderProblem, renderText } from './problem-reply.ts';
import { isRefusal, parseRequestHead, requestHeadMaxBytes, type RequestHead } from './request-head.ts';
import { RequestTrace } from './request-trace.ts';
import { addedLines, renderReplyHead, renderRequest } from './render.ts';
import type { ResponseHead } from './response-head.ts';
import { destinationOf } from './routing.ts';
import type { SessionPort } from './session-port.ts';
import type { Exchange, UpstreamConnection } from './upstream.ts';

export const timeoutsMs = { header: 10_000, reply: 30_000, idle: 65_000, body: 65_000, linger: 2_000 } as const;
/** Bodies up to this size are collected before the request takes a place upstream, and can be sent again. */
const collectMaxBytes = 64 * 1024;
const continueReply = Buffer.from('HTTP/1.1 100 Continue\r\n\r\n');

type Phase = 'head' | 'collect' | 'waiting' | 'forwarding' | 'closing';

/** One client connection: reads a request, has it answered, reads the next. */
export class ClientSession implements WireEvents, Exchange, Waiter {
  readonly #port: SessionPort<ClientSession>;
  readonly #wire: Wire;
  readonly #peer: string;
  readonly #peerTrusted: boolean;
  readonly #inbox = new Accumulator();
  readonly #body = new BodyReader();
  #phase: Phase = 'head';
  #head: RequestHead | undefined;
  /** The request as it came and where it ends, until it is let in. */
  #received: Buffer | undefined;
  #receivedEnd = 0;
  /** The request as it goes upstream, kept until the reply begins. */
  #request: Buffer | undefined;
  #correlationId = '';
  /** Of the latest request; undefined where tracing is off. */
  #trace: RequestTrace | undefined;
  #upstream: UpstreamConnection | undefined;
  #hasPlace = false;
  #retried = false;
  #replyBegun = false;
  #startedMs = 0;
  #latencyFromMs: number | undefined;
  #paused = false;
  #served = 0;
  requestDone = true;
  deadlineMs: number;

  constructor(port: SessionPort<ClientSession>, wire: Wire) {
    this.#port = port;
    this.#wire = wire;
    this.#peer = plainAddress(wire.remoteAddress);
    this.#peerTrusted = port.peers.trusts(this.#peer);
    this.deadlineMs = port.coarseMs + timeoutsMs.header;
  }

  get method(): string {
    return this.#head?.method ?? 'GET';
  }

  /** Between two requests, with nothing of the next one received. */
  get isIdle(): boolean {
    return this.#phase === 'head' && this.#inbox.sizeBytes === 0;
  }

  onData(bytes: Buffer): void {
    if (this.#phase === 'closing') return;
    if (this.#phase === 'forwarding' && !this.requestDone) return this.#forwardBody(bytes);
    if (this.#phase === 'waiting' || this.#phase === 'forwarding') {
      this.#inbox.append(bytes);
      if (this.#inbox.sizeBytes > collectMaxBytes) this.#pause();
      return;
    }
    if (this.#inbox.sizeBytes === 0) return this.#pump(bytes);
    this.#inbox.append(bytes);
    this.#pump(this.#inbox.take());
  }

  /** Takes whole requests out of `bytes` until one has to wait for its reply. */
  #pump(bytes: Buffer): void {
    let rest: Buffer | undefined = bytes;
    while (rest !== undefined && rest.length > 0 && this.#canRead()) rest = this.#takeRequest(rest);
    if (rest === undefined || rest.length === 0 || this.#phase === 'closing') return;
    this.#inbox.append(rest);
    if (this.#wire.queuedBytes > queuedBytesMax) this.#pause();
  }

  /** Who does not read replies gets no further ones: pipelining must not fill our memory. */
  #canRead(): boolean {
    return (this.#phase === 'head' || this.#phase === 'collect') && this.#wire.queuedBytes <= queuedBytesMax;
  }

  /** Returns what follows the request; undefined when all of `bytes` was kept for later. */
  #takeRequest(bytes: Buffer): Buffer | undefined {
    if (this.#phase === 'head') {
      const headEnd = findHeadEnd(bytes);
      if (headEnd < 0 && bytes.length < requestHeadMaxBytes) return this.#keep(bytes);
      const head = headEnd < 0
        ? { status: 431 as const, code: 'head_too_large', detail: `the request head exceeds ${requestHeadMaxBytes} bytes` }
        : parseRequestHead(bytes, headEnd);
      if (isRefusal(head)) return this.#refuse(head.status, head.code, head.detail);
      this.#accept(head);
    }
    const head = this.#head as RequestHead;
    if (head.bodyLength >= 0 && head.bodyLength <= collectMaxBytes) {
      const end = head.bodyStart + head.bodyLength;
      if (bytes.length < end) return this.#keep(bytes);
      this.#dispatch(bytes, end, true);
      return end === bytes.length ? undefined : bytes.subarray(end);
    }
    this.#body.start(head.bodyLength);
    const end = this.#body.consume(bytes, head.bodyStart);
    if (this.#body.bad) return this.#refuse(400, 'bad_chunk', 'the request body is badly chunked');
    this.#dispatch(bytes, end, this.#body.done);
    return end === bytes.length ? undefined : bytes.subarray(end);
  }

  #keep(bytes: Buffer): undefined {
    if (this.#inbox.sizeBytes === 0 && this.#phase === 'head' && this.#served > 0) {
      this.deadlineMs = Math.min(this.deadlineMs, this.#port.coarseMs + timeoutsMs.header);
    }
    this.#inbox.append(bytes);
    return undefined;
  }

  #accept(head: RequestHead): void {
    this.#head = head;
    this.#phase = 'collect';
    this.#correlationId = head.correlationId === '' ? this.#port.nextCorrelationId() : head.correlationId;
    if (this.#port.tracing.enabled) this.#trace = new RequestTrace(this.#port.tracing, head, this.#correlationId);
    this.deadlineMs = this.#port.coarseMs + timeoutsMs.reply;
    if (head.expectsContinue && head.bodyLength !== 0) this.#wire.write(continueReply);
  }

  #dispatch(bytes: Buffer, end: number, complete: boolean): void {
    const head = this.#head as RequestHead;
    this.requestDone = complete;
    this.#replyBegun = false;
    this.#retried = false;
    this.#phase = 'waiting';
    const destination = destinationOf(head.target);
    if (destination === 'malformed') return this.#answerProblem(400, 'bad_target', 'the path holds dot segments or a bad escape');
    if (destination === 'hidden') return this.#answerProblem(404, 'not_found', 'there is nothing at this path');
    if (destination !== 'upstream') return this.#answerHealth(destination);
    this.#received = bytes;
    this.#receivedEnd = end;
    if (!complete) this.#pause();
    const verdict = this.#port.enter(this);
    if (verdict === 'go') this.admitted();
    else if (verdict === 'refused') this.expired();
  }

  #answerHealth(destination: 'livez' | 'readyz'): void {
    const ok = destination === 'livez' || this.#port.ready;
    this.#answer(renderText(ok ? 200 : 503, ok ? 'ok\n' : 'no upstream is ready\n', this.#mustClose()), ok ? 200 : 503);
  }

  admitted(): void {
    const received = this.#head as RequestHead;
    const head = this.#trace?.startUpstream(received) ?? received;
    // Not earlier: a request that is refused should cost next to nothing.
    const address = clientAddress(this.#peer, this.#peerTrusted, head.forwardedFor, this.#port.peers);
    const added = addedLines(address, head.correlationId === '' ? this.#correlationId : '', this.#trace?.traceparent);
    this.#request = renderRequest(this.#received as Buffer, head, this.#receivedEnd, added);
    this.#received = undefined;
    this.#hasPlace = true;
    this.#startedMs = this.#port.monotonicMs();
    this.#latencyFromMs = undefined;
    this.#start(false);
  }

  /** Waited too long for a place, or there was none to wait for. */
  expired(): void {
    this.#received = undefined;
    this.#report('overloaded', overloadedDetail, 503);
    this.#answer(renderOverloaded(this.#correlationId, this.#mustClose() || !this.requestDone, this.#head?.method === 'HEAD'), 503);
  }

  #start(isRetry: boolean): void {
    const upstream = this.#port.forward(this, isRetry);
    if (this.#phase === 'waiting' && upstream === undefined) {
      this.#answerProblem(503, 'no_upstream', 'no api process is ready', 1);
    } else if (this.#phase === 'waiting') this.#upstream = upstream;
  }

  onReady(connection: UpstreamConnection): void {
    this.#upstream = connection;
    this.#phase = 'forwarding';
    this.deadlineMs = this.#port.coarseMs + timeoutsMs.reply;
    this.#trace?.sentTo(connection.upstream.name, this.#retried);
    connection.write(this.#request as Buffer);
    if (this.requestDone) return;
    this.#request = undefined;
    this.#resume();
    if (this.#inbox.sizeBytes > 0) this.#forwardBody(this.#inbox.take());
  }

  #forwardBody(bytes: Buffer): void {
    const end = this.#body.consume(bytes, 0);
    if (this.#body.bad) {
      this.#giveUp();
      return this.#replyBegun ? this.#wire.destroy() : this.#answerProblem(400, 'bad_chunk', 'the request body is badly chunked');
    }
    this.requestDone = this.#body.done;
    this.deadlineMs = this.#port.coarseMs + timeoutsMs.reply;
    this.#upstream?.write(end === bytes.length ? bytes : bytes.subarray(0, end));
    if (end < bytes.length) this.#inbox.append(bytes.subarray(end));
    if (this.#upstream?.isCongested === true) this.#pause();
  }

  onUpstreamDrain(): void {
    this.#resume();
  }

  onReplyHead(head: ResponseHead, bytes: Buffer, end: number, interim: boolean): void {
    if (interim) {
      if (this.#head?.http10 === false) this.#wire.write(bytes);
      return;
    }
    this.#replyBegun = true;
    this.#latencyFromMs = this.#startedMs;
    this.#request = undefined;
    this.#port.countReply(head.status);
    this.#trace?.replied(head.status);
    if (head.bodyLength < 0) this.deadlineMs = this.#port.coarseMs + timeoutsMs.body;
    // An open stream of events would hold its place for minutes: it counts until it has begun.
    if (head.isEventStream) this.#givePlaceBack();
    const closes = this.#mustClose() || head.bodyLength === -2 || !this.requestDone;
    this.#send(renderReplyHead(bytes, head, end, closes));
  }

  onReplyBody(bytes: Buffer): void {
    this.deadlineMs = this.#port.coarseMs + timeoutsMs.body;
    this.#send(bytes);
  }

  #send(bytes: Buffer): void {
    this.#wire.write(bytes);
    if (this.#wire.queuedBytes > queuedBytesMax) this.#upstream?.pause();
  }

  onDrain(): void {
    this.#upstream?.resume();
    if (this.#phase !== 'head' && this.#phase !== 'collect') return;
    this.#resume();
    if (this.#inbox.sizeBytes > 0) this.#pump(this.#inbox.take());
  }

  onReplyDone(): void {
    const endsOnClose = this.#mustClose() || !this.requestDone;
    this.#upstream = undefined;
    this.#trace?.end();
    this.#givePlaceBack();
    if (endsOnClose) this.#close();
    else this.#next();
  }

  onUpstreamFailure(reason: string, sent: boolean): void {
    const head = this.#head as RequestHead;
    this.#upstream = undefined;
    if (this.#replyBegun) {
      // The client must see that the reply is cut short; only a broken connection says so.
      this.#givePlaceBack();
      this.#report('reply_cut', `the api process broke off its reply: ${reason}`);
      return this.#wire.destroy();
    }
    const repeatable = !sent || (this.requestDone && (head.method === 'GET' || head.method === 'HEAD' || head.hasIdempotencyKey));
    if (!this.#retried && repeatable && this.#request !== undefined && this.#port.takeRetry()) {
      this.#retried = true;
      this.#phase = 'waiting';
      return this.#start(true);
    }
    this.#answerProblem(502, 'bad_upstream', `the api process did not answer: ${reason}`);
  }

  /** Called by the sweep once the deadline has passed. */
  onDeadline(): void {
    if (this.isIdle || this.#phase === 'closing') return this.#wire.destroy();
    if (this.#phase === 'head' || this.#phase === 'collect') {
      this.#refuse(408, 'request_timeout', 'the request did not arrive in time');
      return;
    }
    const begun = this.#replyBegun;
    this.#giveUp();
    if (!begun) return this.#answerProblem(504, 'upstream_timeout', `no reply within ${timeoutsMs.reply} ms`);
    this.#report('reply_stalled', "the api's reply stood still for too long");
    this.#wire.destroy();
  }

  /** The gateway is stopping: idle connections go now, others after their reply. */
  onDraining(): void {
    if (this.isIdle) this.#close();
  }

  /** Drops the client at once, mid-reply or not. */
  destroy(): void {
    this.#wire.destroy();
  }

  #mustClose(): boolean {
    return this.#head?.close !== false || this.#port.draining;
  }

  #answerProblem(status: number, code: string, detail: string, retryAfterS?: number, target = this.#head?.target): void {
    const close = this.#mustClose() || !this.requestDone;
    const correlationId = this.#correlationId === '' ? this.#port.nextCorrelationId() : this.#correlationId;
    if (status >= 500) this.#report(code, detail, status, correlationId);
    const problem = { status, code, detail, correlationId, target, close, headOnly: this.#head?.method === 'HEAD', ...(retryAfterS === undefined ? {} : { retryAfterS }) };
    this.#answer(renderProblem(problem), status);
  }

  #report(code: string, detail: string, status?: number, correlationId = this.#correlationId): void {
    this.#port.failed({ correlationId, code, detail, status, method: this.#head?.method ?? '' });
  }

  #answer(bytes: Buffer, status: number): void {
    const close = this.#mustClose() || !this.requestDone;
    this.#port.countReply(status);
    this.#trace?.end(status);
    this.#givePlaceBack();
    this.#wire.write(bytes);
    if (close) this.#close();
    else this.#next();
  }

  /** A request so broken that what follows it cannot be trusted. */
  #refuse(status: number, code: string, detail: string): undefined {
    const target = this.#head?.target;
    this.#head = undefined;
    this.requestDone = false;
    this.#answerProblem(status, code, detail, undefined, target);
    return undefined;
  }

  #next(): void {
    this.#served++;
    this.#head = undefined;
    this.#request = undefined;
    this.#correlationId = '';
    this.#phase = 'head';
    this.deadlineMs = this.#port.coarseMs + timeoutsMs.idle;
    this.#resume();
    if (this.#inbox.sizeBytes > 0) this.#pump(this.#inbox.take());
    else if (this.#port.draining) this.#close();
  }

  /** FIN after what is queued; late request bytes are read and dropped so that no RST eats the reply. */
  #close(): void {
    this.#phase = 'closing';
    this.deadlineMs = this.#port.coarseMs + timeoutsMs.linger;
    this.#inbox.take();
    this.#resume();
    this.#wire.end();
  }

  #givePlaceBack(): void {
    if (!this.#hasPlace) return;
    this.#hasPlace = false;
    this.#port.finish(this.#latencyFromMs);
  }

  /** Drops the exchange upstream, if any. */
  #giveUp(): void {
    if (this.#phase === 'waiting' && !this.#hasPlace) this.#port.leave(this);
    this.#upstream?.abandon();
    this.#upstream = undefined;
    this.#givePlaceBack();
  }

  #pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#wire.pause();
  }

  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#wire.resume();
  }

  onEnd(): void {
    if (this.#phase === 'closing') return this.#wire.destroy();
    if (this.#phase === 'head' || this.#phase === 'collect') return this.#close();
    // A client that closes cannot be told from one that half-closes. It counts as gone, as with Node's own
    // server: work for clients that gave up is what an overloaded service can least afford.
    this.#wire.destroy();
  }

  onClose(): void {
    this.#giveUp();
    this.#trace?.abort();
    this.#phase = 'closing';
    this.#port.closed(this);
  }
}
