import { messageOf, SoraError } from '../../ops/core/error.ts';
import { authorPlace } from './author-frames.ts';
import { malformedRequest, throwPrefix } from './error-kinds.ts';
import { CheckBook } from './journey/checks.ts';
import type { JudgedNames } from './journey/tag-sets.ts';
import { TagBook } from './journey/tags.ts';
import type { HistoryStep, NamesBeyond } from './measurement.ts';
import type { CheckPlace, Failure, StepUser } from './step-user.ts';
import { type OperationTimes, type Outcome, Tally } from './tally.ts';
import type { UserTable } from './users.ts';
import type { WriteLedger } from './write-ledger.ts';

type OnTraced = (user: StepUser, record: HistoryStep) => void;

/** Takes ended operations down: their times, errors, writes and tags. */
export class Books {
  readonly tally: Tally;
  readonly tags: TagBook;
  readonly checks: CheckBook;
  readonly #writes: WriteLedger;
  readonly #onTraced: OnTraced | undefined;

  /**
   * @param ops names of operations by index; may grow
   * @param judged what thresholds name
   */
  constructor(ops: readonly string[], writes: WriteLedger, onTraced: OnTraced | undefined, judged?: JudgedNames) {
    this.tally = new Tally(ops);
    this.tags = new TagBook(ops, judged?.tagSets);
    this.checks = new CheckBook(ops, judged?.checks);
    this.#writes = writes;
    this.#onTraced = onTraced;
  }

  /** The operation is over; its acknowledged writes count, whatever else becomes of it. */
  acknowledge(user: StepUser): void {
    for (const write of user.writes ?? []) this.#writes.acknowledge(user, write.id, write.kind);
  }

  /**
   * Takes an ended operation down.
   * @param users when its step was due; a function's operations know that themselves
   * @param endMs since the run began, as are the others
   */
  take(user: StepUser, users: UserTable, endMs: number): void {
    const { frame, place } = user;
    const dueMs = frame === undefined ? users.dueMs[place]! : frame.dueMs;
    const readyMs = frame === undefined ? users.readyMs[place]! : frame.readyMs;
    const thinkMs = frame === undefined ? users.thinkMs[place]! : frame.thinkMs;
    // Pauses in it are no response time.
    const idleMs = frame === undefined ? 0 : frame.idleMs;
    this.acknowledge(user);
    const handedMs = user.handedMs >= 0 ? user.handedMs : user.startedMs;
    const times = {
      response: toUs(endMs - dueMs - idleMs),
      service: toUs(user.serviceMs),
      poolWait: toUs(user.poolWaitMs),
      // The wait for the user's own late reply is the system's doing, so it counts from there.
      lateness: toUs(Math.max(handedMs - readyMs, frame?.wokenLateMs ?? 0)),
    };
    const outcome: Outcome = user.failure !== undefined ? 'failed' : user.refused ? 'refused' : 'ok';
    this.tally.operation(user.planned.opIndex, user.phase, outcome, times);
    if (frame?.tags !== undefined) this.tags.operation(frame.tags, user.planned.opIndex, user.phase, outcome, times);
    this.#countError(user, endMs);
    if (this.tally.isSlow(times.response)) this.#noteSlow(user, dueMs, times);
    if (user.trace !== undefined) this.#record(user, outcome, dueMs, thinkMs, times);
  }

  /** One request by itself has ended. */
  request(user: StepUser, failed: boolean, durationUs: number, sent: number, received: number): void {
    const { planned: { opIndex }, phase, frame } = user;
    this.tally.request(opIndex, phase, failed, durationUs, sent, received);
    if (frame?.tags !== undefined) this.tags.request(frame.tags, opIndex, phase, failed, durationUs, sent, received);
  }

  /** A journey has checked something. @param phase of the operation that it belongs to */
  check(ok: boolean, name: string, place: CheckPlace | undefined, phase: number): void {
    // After its operation a check fails nothing any more, so it does not count as passed either.
    if (place === undefined || place.closed === true) return;
    const { planned: { opIndex }, frame } = place;
    this.checks.count(name, opIndex, phase, ok);
    if (frame?.tags !== undefined) this.tags.check(frame.tags, opIndex, phase, ok, name);
  }

  /** How often something counted as `(other)`, besides operations. */
  get beyond(): Pick<NamesBeyond, 'tags' | 'checks'> {
    return { tags: this.tags.overflow, checks: this.checks.overflow };
  }

  #countError(user: StepUser, endMs: number): void {
    const { failure } = user;
    if (failure === undefined) return;
    this.tally.error(user.planned.opIndex, failure.kind, () => ({
      firstAtMs: endMs,
      firstMessage: messageWithPlace(failure),
      ...(failure.stack === undefined ? {} : { firstStack: failure.stack }),
      ...(user.foundBy === '' ? {} : { firstCorrelationId: user.foundBy }),
    }));
  }

  #noteSlow(user: StepUser, atMs: number, times: OperationTimes): void {
    this.tally.slow({
      op: user.planned.op,
      user: user.index,
      step: user.step,
      atMs,
      responseUs: times.response,
      serviceUs: times.service,
      status: user.lastReply?.status ?? 0,
      correlationId: user.foundBy,
    });
  }

  #record(user: StepUser, outcome: Outcome, dueMs: number, thinkTimeMs: number, times: OperationTimes): void {
    this.#onTraced?.(user, {
      user: user.index,
      step: user.step,
      op: user.planned.op,
      dueMs,
      thinkTimeMs,
      outcome,
      ...(user.failure === undefined ? {} : { errorKind: user.failure.kind }),
      responseUs: times.response,
      serviceUs: times.service,
      poolWaitUs: times.poolWait,
      latenessUs: times.lateness,
      requests: (user.trace ?? []).map(({ method, path, status, serviceUs, correlationId }) => ({
        method,
        path,
        status,
        serviceUs,
        correlationId,
      })),
    });
  }
}

/** Whether an operation's last byte is its end: of a request on its own always, else unless something came after it. */
export function endsWithItsReply({ failure, frame }: StepUser): boolean {
  return frame?.settled === true || (failure === undefined && (frame === undefined || frame.idleMs === 0));
}

/** Takes what a step threw into its outcome. */
export function blame(user: StepUser, error: unknown): void {
  const status = (error as { status?: unknown } | null | undefined)?.status;
  // A client library that throws on a refusal the request had named.
  if (user.refused && status === user.lastReply?.status) return;
  const stack = error instanceof Error && error.stack !== undefined ? { stack: error.stack } : {};
  user.fail({ kind: `${throwPrefix}${nameOf(error)}`, message: messageOf(error), ...stack });
}

function nameOf(error: unknown): string {
  if (error instanceof SoraError && error.code === malformedRequest) return error.code;
  return error instanceof Error ? error.constructor.name : typeof error;
}

/** `checkout.ts:12:31: …`: what was thrown, after the place in its author's code; once per group of errors, as stacks are long. */
function messageWithPlace({ message, stack }: Failure): string {
  const place = stack === undefined ? '' : authorPlace(stack);
  return place === '' ? message : `${place}: ${message}`;
}

/** Milliseconds as µs, never below 0. */
export function toUs(durationMs: number): number {
  return durationMs > 0 ? durationMs * 1_000 : 0;
}
