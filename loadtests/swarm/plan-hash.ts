import { createHash } from 'node:crypto';
import { Engine } from './engine.ts';
import type { Carrier, Exchange } from './exchange.ts';
import { type Partition, partitionOf } from './partition.ts';
import { Reply } from './reply.ts';
import { planRun, type ScenarioOverrides } from './run-plan.ts';
import type { HttpRequest, Scenario } from './scenario.ts';

/** What a recording answers to a request. */
export interface RecordedReply {
  readonly status: number;
  /** Header lines, joined by CRLF. */
  readonly head?: string;
  readonly body: string;
}

export interface PlanOptions {
  readonly overrides?: ScenarioOverrides;
  readonly runId?: string;
  readonly shared?: unknown;
  /** Answers requests in place of a server; the same request must get the same reply. Default `200 {}`. */
  readonly reply?: (request: Pick<HttpRequest, 'path'> & { readonly method: string }) => RecordedReply;
}

/** One step as it is planned, with all it sends. */
export interface PlannedOperation {
  /** Where work arrives openly, the number of the arrival. */
  readonly user: number;
  readonly step: number;
  readonly op: string;
  readonly dueMs: number;
  readonly thinkTimeMs: number;
  /** Method, path, headers and body of each request. */
  readonly inputs: readonly string[];
}

/**
 * Everything that a scenario's users do, in order of due time, against recorded replies: run by the
 * engine itself, in simulated time, in as many shares as told, or in these.
 * @throws SoraError as `planRun` and the scenario do
 */
export async function listPlan(scenario: Scenario<never>, options: PlanOptions, shares: number | readonly Partition[]): Promise<PlannedOperation[]> {
  const plan = planRun(scenario, options.overrides ?? {}, options.runId ?? '00000000');
  const operations: PlannedOperation[] = [];
  const partitions = typeof shares === 'number' ? Array.from({ length: shares }, (_, index) => partitionOf(index, shares)) : shares;
  for (const partition of partitions) {
    let nowMs = 0;
    const engine = new Engine({
      scenario,
      plan,
      partition,
      shared: options.shared,
      carrier: new Recording(options.reply ?? (() => ({ status: 200, body: '{}' })), () => nowMs),
      now: () => nowMs,
      traced: () => true,
      onTraced: (user, { step, op, dueMs, thinkTimeMs }) => {
        const inputs = (user.trace ?? []).map(({ method, path, headers, body }) => [method, path, headers, body].join('\n'));
        operations.push({ user: user.key, step, op, dueMs, thinkTimeMs, inputs });
      },
    });
    while (!engine.finished) {
      engine.tick(++nowMs);
      // Replies are there at once, so a step ends within some turns of the microtask queue.
      while (engine.acting > 0) await Promise.resolve();
    }
  }
  return operations.sort((a, b) => a.dueMs - b.dueMs || a.user - b.user || a.step - b.step);
}

/** A hash of the ordered list (user, step, operation, inputs, think time): equal for any number of shares. */
export async function planHash(scenario: Scenario<never>, options: PlanOptions, shares: number | readonly Partition[]): Promise<string> {
  const hash = createHash('sha256');
  for (const { user, step, op, thinkTimeMs, inputs } of await listPlan(scenario, options, shares)) {
    hash.update(`${JSON.stringify([user, step, op, thinkTimeMs, inputs])}\n`);
  }
  return hash.digest('hex');
}

/** Answers exchanges from a recording, in no time. */
class Recording implements Carrier {
  readonly #reply: NonNullable<PlanOptions['reply']>;
  readonly #now: () => number;

  constructor(reply: NonNullable<PlanOptions['reply']>, now: () => number) {
    this.#reply = reply;
    this.#now = now;
  }

  send(exchange: Exchange): void {
    exchange.enqueuedMs = this.#now();
    exchange.writtenMs = this.#now();
    queueMicrotask(() => {
      const { status, head = '', body } = this.#reply({ method: exchange.method, path: exchange.path });
      exchange.reply = new Reply(status, head, Buffer.from(body));
      exchange.doneMs = this.#now();
      exchange.onDone(exchange);
    });
  }
}
