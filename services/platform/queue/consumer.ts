import type { JobResult, PgBoss } from 'pg-boss';
import type { Logger } from 'pino';
import { Histogram, type Registry } from 'prom-client';
import { messageOf } from '../../../ops/core/error.ts';
import type { Host } from '../../../ops/core/host.ts';
import { tracingOf, type Tracing } from '../../../ops/telemetry/tracing.ts';
import type { Job } from '../domain.ts';
import { traceMember } from './relay.ts';

/** Name of the queue that takes a topic's jobs after their last try. */
export const deadLetterQueue = (topic: string): string => `${topic}.dead`;

/** A job whose worker died is handed out again after this. */
const expireInS = 30;
const keepCompletedS = 300;
const keepDeadS = 30 * 86_400;

/** Makes or updates a topic's queue and its dead-letter queue. */
export async function declareQueue(boss: PgBoss, job: Job<unknown>): Promise<void> {
  const dead = deadLetterQueue(job.topic);
  await boss.createQueue(dead, { retentionSeconds: keepDeadS });
  const settings = {
    retryLimit: job.retryLimit ?? 5,
    retryDelay: 1,
    retryBackoff: true,
    retryDelayMax: 300,
    expireInSeconds: expireInS,
    deleteAfterSeconds: keepCompletedS,
    deadLetter: dead,
  };
  await boss.createQueue(job.topic, settings);
  // createQueue leaves an existing queue as it is.
  await boss.updateQueue(job.topic, settings);
}

/** Duration of handling one batch, by topic and outcome. */
export function createJobMetrics(metrics: Registry): Histogram<'topic' | 'outcome'> {
  return new Histogram({
    name: 'job_batch_duration_seconds',
    help: 'Time to handle one batch of jobs',
    labelNames: ['topic', 'outcome'],
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30],
    registers: [metrics],
  });
}

/**
 * Handles one batch: valid payloads together; if that fails, each alone, so that one bad job does
 * not hold up the rest. A payload its schema refuses goes to the dead letters at once: no retry mends it.
 */
export async function handleBatch(job: Job<unknown>, queued: readonly Queued[], log: Logger): Promise<JobResult[]> {
  const results: JobResult[] = [];
  const valid: { id: string; payload: unknown }[] = [];
  for (const { id, data } of queued) {
    const parsed = job.payload.safeParse(withoutTrace(data));
    if (parsed.success) valid.push({ id, payload: parsed.data });
    else {
      log.error({ topic: job.topic, jobId: id, reason: parsed.error.message.slice(0, 500) }, 'job payload is malformed');
      results.push({ id, status: 'deadletter', output: { message: 'the payload does not match its schema' } });
    }
  }
  if (valid.length === 0) return results;
  try {
    await job.handle(valid.map(({ payload }) => payload));
    results.push(...valid.map(({ id }) => ({ id, status: 'completed' as const })));
  } catch (error) {
    if (valid.length === 1) results.push(failed(job, valid[0]?.id ?? '', error, log));
    else for (const { id, payload } of valid) results.push(await handleAlone(job, id, payload, log));
  }
  return results;
}

/** What the queue hands over. */
interface Queued {
  readonly id: string;
  readonly data: unknown;
}

/** The trace that came with a job; undefined where tracing was off. */
function traceparentOf({ data }: Queued): string | undefined {
  const value = typeof data === 'object' && data !== null ? (data as Record<string, unknown>)[traceMember] : undefined;
  return typeof value === 'string' ? value : undefined;
}

/** The payload as it was emitted, so that strict schemas take it. */
function withoutTrace(data: unknown): unknown {
  if (typeof data !== 'object' || data === null || !(traceMember in data)) return data;
  const { [traceMember]: _, ...payload } = data;
  return payload;
}

/** Handles one batch below a consumer span that continues the traces of its jobs, where tracing is on. */
export async function handleTraced(job: Job<unknown>, queued: readonly Queued[], log: Logger, tracing: Tracing): Promise<JobResult[]> {
  if (!tracing.enabled) return await handleBatch(job, queued, log);
  const span = tracing.startConsumer(job.topic, queued.map(traceparentOf), {
    'messaging.system': 'pg-boss', 'messaging.operation.type': 'process', 'messaging.destination.name': job.topic,
    'messaging.batch.message_count': queued.length,
  });
  try {
    const results = await tracing.run(span, () => handleBatch(job, queued, log));
    if (results.some((result) => result.status !== 'completed')) span.fail('job_failed');
    return results;
  } finally {
    span.end();
  }
}

async function handleAlone(job: Job<unknown>, id: string, payload: unknown, log: Logger): Promise<JobResult> {
  try {
    await job.handle([payload]);
    return { id, status: 'completed' };
  } catch (error) {
    return failed(job, id, error, log);
  }
}

function failed(job: Job<unknown>, id: string, error: unknown, log: Logger): JobResult {
  log.warn({ err: error, topic: job.topic, jobId: id }, 'job failed; it is tried again or goes to the dead letters');
  return { id, status: 'failed', output: { message: messageOf(error).slice(0, 500) } };
}

/**
 * Consumes a topic's queue. Returns the function that wakes the consumer before its next poll.
 * pg-boss polls at most twice a second; the wake-ups make up for that without NOTIFY, whose global
 * lock at commit would cost the writers.
 */
export async function consume(
  parts: { host: Host; boss: PgBoss; log: Logger; durations: Histogram<'topic' | 'outcome'> },
  job: Job<unknown>,
): Promise<() => void> {
  const { host, boss, log, durations } = parts;
  const batchSize = job.batchSize ?? 50;
  const tracing = tracingOf(host);
  let workerId: string | undefined;
  const wake = (): void => {
    if (workerId !== undefined) boss.notifyWorker(workerId);
  };
  workerId = await boss.work(job.topic, { batchSize, pollingIntervalSeconds: 0.5, perJobResults: true as const }, async (queued) => {
    const startMs = host.clock.monotonicMs();
    const results = await handleTraced(job, queued, log, tracing);
    const outcome = results.every((result) => result.status === 'completed') ? 'completed' : 'failed';
    durations.observe({ topic: job.topic, outcome }, (host.clock.monotonicMs() - startMs) / 1_000);
    // More are likely to wait behind a full batch.
    if (queued.length === batchSize) wake();
    return results;
  });
  return wake;
}
