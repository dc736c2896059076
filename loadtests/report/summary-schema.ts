/**
 * The contract for scripts: the shape of `summary.json`. Names stay; new ones may be added.
 * `loadtests/schema/run.v1.json` is generated from here (`node loadtests/schema/write.ts`), and a
 * test keeps the two equal.
 */
import { z } from 'zod';
import { outputsSchema } from '../outputs/report.ts';
import { partitionSchema, sharesSchema } from '../shares/report.ts';
import { annexShape } from './annex-schema.ts';
import { comparisonSchema } from './compare/schema.ts';
import { resourcesSchema } from './resources.ts';

const count = z.int().min(0);
const amount = z.number().min(0);
const ratio = z.number().min(0).max(1);
/** null where nothing was measured: no data is never 0. */
const measure = z.number().nullable();

const quantiles = z
  .object({ p50: measure, p90: measure, p95: measure, p99: measure, p999: measure, max: measure })
  .describe('Quantiles in milliseconds; null where nothing was measured.');

const latency = z.object({
  response: quantiles.describe('Due time to last byte read.'),
  service: quantiles.describe('First byte written to last byte read.'),
  poolWait: quantiles.describe('Waiting for a free connection.'),
  lateness: quantiles.describe('Due time to handed to the transport: the generator’s own delay.'),
});

const operations = z.object({
  offeredPerS: amount.describe('Operations that fell due a second in the hold.'),
  achievedPerS: amount.describe(
    'Operations answered without failure a second during the hold; of one operation, by its share of all.',
  ),
  total: count,
  failed: count,
  failedRatio: ratio,
  refused: count.describe('Expected refusals, apart from failures.'),
});

const phaseName = z.enum(['ramp', 'hold', 'drain']);

const error = z.object({
  kind: z.string(),
  op: z.string(),
  count,
  firstAtS: amount.nullable().describe('Seconds since the start of the run; null where the tool keeps no times of errors.'),
  firstMessage: z.string(),
  firstStack: z.string().optional(),
  firstCorrelationId: z.string().optional(),
});

const threshold = z.object({
  expression: z.string(),
  measured: measure,
  ok: z.boolean().nullable().describe('null: nothing was measured, so it proves nothing.'),
  metric: z.string(),
  operator: z.string(),
  limit: z.number(),
  missedFromS: amount.optional().describe('Of a missed one: the first second of the hold that by itself missed it, seconds since the start, where the series tells.'),
});

const difference = z.object({
  userId: z.int(),
  kind: z.string(),
  writeId: z.string(),
  finding: z.enum(['lost', 'duplicated', 'unexpected']),
  rows: count,
});

const audit = z.object({
  acknowledgedWrites: count,
  lost: count,
  duplicated: count,
  indeterminate: count.describe('Writes whose reply never came; once or not at all is right.'),
  ledgerBalanced: z.boolean().nullable(),
  unexpected: count.describe('Rows the harness never wrote.'),
  usersCompared: count,
  differences: z.array(difference).describe('The ids that differ, at most 1,000.'),
  incomplete: z.string().optional().describe('Why the audit did not end.'),
});

const validityItem = z.object({
  name: z.string(),
  measured: z.number(),
  limit: z.number(),
  unit: z.enum(['ms', 'ratio', 'count']),
  bound: z.enum(['max', 'min']),
  ok: z.boolean(),
  text: z.string(),
});

/** How users reached the target. */
const connections = z.object({
  transport: z.enum(['pooled', 'per-user']).describe('Connections shared by all users, or one for each.'),
  runtime: z.enum(['node', 'bun']).describe('What the worker processes ran in.'),
  sourceAddresses: count.describe('Used in turn; 0 where the system chose.'),
  opened: count.describe('Over the whole run; more than there were at once where servers close them.'),
  retries: count.describe('Requests sent again, as they asked for.'),
  redirects: count.describe('Redirects followed.'),
});

const generator = z.object({
  tool: z.string().default('sora').describe('What made the load: sora, or another tool with its version, such as k6 v2.2.0.'),
  workers: count,
  cpuUsPerOperation: measure.describe('CPU time of all its processes over the hold, by the operations that ended in it.'),
  rssBytes: count.nullable().describe('Resident memory of all its processes late in the hold.'),
  fixedBytes: measure.optional().describe('Of that, what it held at 1,000 users, or all of it with fewer; null where no sample tells.'),
  bytesPerUser: measure.describe('What each user beyond 1,000 added: (RSS at N − RSS at 1,000 users) / (N − 1,000); null with fewer users or where no sample tells.'),
  sockets: count.nullable(),
  connections: connections.optional(),
  coreShareMax: amount.nullable(),
  loopDelayP99Ms: amount.nullable(),
  unsent: count.describe('Of k6: iterations dropped.'),
  workersLost: count.nullable(),
});

const systemProcess = z.object({ name: z.string(), cpuUsPerOperation: measure, rssMaxBytes: count });

const setting = z.string().nullable();
const machine = z.object({
  cores: count,
  memoryBytes: count,
  platform: z.string(),
  cpuModel: z.string(),
  fileSystem: setting.describe('Of the database’s disk.'),
  fsyncMedianMs: measure,
  fsync: setting,
  synchronous_commit: setting,
  full_page_writes: setting,
});

const phase = z.object({
  name: phaseName,
  startS: amount,
  durationS: amount,
  plannedS: amount,
  total: count,
  failed: count,
  refused: count,
});

const seriesPoint = z.object({
  second: count,
  phase: phaseName,
  users: count,
  total: count,
  failed: count,
  refused: count,
  p50Ms: measure,
  p95Ms: measure,
  p99Ms: measure,
});

const slowest = z.object({
  op: z.string(),
  user: count,
  step: count,
  atS: amount,
  responseMs: amount,
  serviceMs: amount,
  status: z.int(),
  correlationId: z.string(),
});

const requests = z.object({
  total: count,
  failed: count,
  failedRatio: ratio,
  durationMs: quantiles,
  bytesSent: count,
  bytesReceived: count,
});

const historyStep = z.object({
  step: count,
  op: z.string(),
  dueS: z.number(),
  thinkTimeS: amount,
  outcome: z.enum(['ok', 'failed', 'refused']),
  errorKind: z.string().optional(),
  responseMs: amount,
  serviceMs: amount,
  poolWaitMs: amount,
  latenessMs: amount,
  requests: z.array(
    z.object({ method: z.string(), path: z.string(), status: count, serviceMs: amount, correlationId: z.string() }),
  ),
});

export const summarySchema = z
  .object({
    schema: z.literal('sora.run/v1'),
    runId: z.string(),
    scenario: z.string(),
    description: z.string(),
    scenarioSha256: z.string().nullable(),
    note: z.string(),
    seed: z.int(),
    gitSha: z.string().nullable(),
    version: z.string(),
    host: z.string(),
    startedAt: z.iso.datetime(),
    endedAt: z.iso.datetime(),
    target: z.string(),
    model: z.enum(['scheduled', 'closed', 'open', 'partly-open']).describe('scheduled: users paced by due times; closed: users paced by replies; open: work that arrives, paced by due times; partly-open: arrivals paced by replies within.'),
    pace: z.enum(['due', 'after-reply']),
    thinkTimeS: amount.describe('Mean think time of the scenario.'),
    thinkTime: z.string(),
    arrival: z.string().optional().describe('How work arrived, in words; absent where a population arrived over the ramp.'),
    verdict: z.enum(['pass', 'fail', 'insufficient']),
    reasons: z.array(z.string()),
    exitCode: z.int(),
    users: count,
    durationS: amount.describe('The hold as planned; the measured one is in phases.'),
    phases: z.array(phase),
    operations: operations.describe('Of the hold.'),
    latencyMs: latency.describe('Of the hold.'),
    byOperation: z.record(z.string(), z.object({ operations, latencyMs: latency })),
    requests: requests.describe('Each HTTP request of the hold by itself, as k6 counts.'),
    errors: z.array(error),
    thresholds: z.array(threshold),
    audit: audit.nullable(),
    validity: z.array(validityItem),
    generator,
    processes: z.array(systemProcess),
    machine,
    usersCompletedRatio: ratio.nullable(),
    operationsPerUser: z.object({ min: count, p1: count, p50: count, p99: count, max: count }).nullable(),
    sampledUser: z.object({ user: count, history: z.array(historyStep) }).nullable(),
    distribution: z.array(z.object({ toMs: amount, count })).describe('Response times of the hold, by upper bound.'),
    ranges: z
      .array(z.object({ toMs: measure, ok: count, failed: count }))
      .default([])
      .describe('Response times of the hold in a few ranges, by upper bound (null: none), those that failed apart.'),
    series: z.array(seriesPoint).describe('At most 2,880 points; the period widens beyond.'),
    slowest: z.array(slowest),
    concurrencyMean: amount.optional().describe('Operations that the system worked on at once in the hold, on average, by Little’s law: operations a second times mean service time.'),
    ...annexShape,
    resources: resourcesSchema.optional(),
    outputs: outputsSchema.optional(),
    partition: partitionSchema.optional(),
    shares: sharesSchema.optional(),
    comparison: comparisonSchema.optional().describe('With the baseline that was given.'),
  })
  .describe('What one load run measured and proved.');

export type Summary = z.infer<typeof summarySchema>;
export type SummaryQuantiles = z.infer<typeof quantiles>;
export type SummaryLatency = z.infer<typeof latency>;
export type SummaryOperations = z.infer<typeof operations>;
export type SummaryAudit = z.infer<typeof audit>;
export type SummaryProcess = z.infer<typeof systemProcess>;
export type SummaryMachine = z.infer<typeof machine>;

/** The published JSON Schema, draft 2020-12; unknown names are allowed, since names are only added. */
export function summaryJsonSchema(): object {
  const { $schema, ...rest } = z.toJSONSchema(summarySchema, { target: 'draft-2020-12', io: 'input' });
  return { $schema, $id: 'urn:sora:schema:run:v1', title: 'sora.run/v1', ...rest };
}
