/** A recorded measurement in miniature, for the tests of reports: 60 s with one slow spell. */
import { Histogram } from '../swarm/histogram.ts';
import { timeNames } from '../swarm/measurement.ts';
import type { OperationSample, PhaseName, RunMeasurement, SeriesPoint } from '../swarm/measurement.ts';
import type { RunFacts } from './summary.ts';
import { parseThresholds } from './thresholds.ts';
import { defaultValidityLimits } from './validity.ts';

const ops = [['feed', 0.4, 22], ['profile', 0.2, 9], ['like', 0.15, 12], ['chat', 0.15, 31], ['ai', 0.05, 160], ['payment', 0.05, 74]] as const;

/** @param change replaces parts of the measurement */
export function sampleRun(change: Partial<RunMeasurement> = {}): RunMeasurement {
  return {
    runId: 'launch-mix-20261121-120501-7f3a', scenario: 'launch-mix', target: 'http://127.0.0.1:8080', seed: 42, pace: 'due',
    transport: 'pooled', sockets: 128, users: 10_000, rampMs: 10_000, holdMs: 60_000, drainMs: 30_000, thinkTimeMeanMs: 10_000,
    startedAtMs: Date.UTC(2026, 10, 21, 12, 5, 1), endedAtMs: Date.UTC(2026, 10, 21, 12, 6, 12),
    phases: [
      { name: 'ramp', startMs: 0, endMs: 10_000 }, { name: 'hold', startMs: 10_000, endMs: 70_000 }, { name: 'drain', startMs: 70_000, endMs: 71_200 },
    ],
    operations: ops.flatMap(([op, share, middleMs]) => (['ramp', 'hold'] as const).map((phase) => operation(op, phase, share, middleMs))),
    series: Array.from({ length: 71 }, (_, second) => point(second)),
    workers: [0, 1].map((worker) => ({
      worker, pid: 4000 + worker, cpuUs: 3_100_000, coreShareMax: 0.22, rssBytes: 118e6, rssAtStartBytes: 62e6, loopDelayP99Ms: 6.2,
      usersStarted: 5_000, usersActive: 5_000, unsent: 0,
    })),
    errors: [
      { kind: 'status 503', op: 'feed', count: 19, firstAtMs: 41_300, firstMessage: 'GET /feed answered 503: feed_batch: 5000 items are waiting already', firstCorrelationId: '0f3c9a52b1e8' },
      { kind: 'throw: TypeError', op: 'chat', count: 1, firstAtMs: 42_020, firstMessage: "Cannot read properties of undefined (reading 'id')", firstStack: "TypeError: Cannot read properties of undefined (reading 'id')\n    at send (loadtests/scenarios/launch-mix.ts:88:31)" },
    ],
    slowest: Array.from({ length: 20 }, (_, index) => ({
      op: ops[index % 6]?.[0] ?? 'feed', user: 311 * (index + 1), step: 3 + (index % 5), atMs: 41_000 + index * 70, responseUs: 1_240_000 - index * 21_000,
      serviceUs: 96_000 + index * 900, status: index === 4 ? 0 : 200, correlationId: `7f3a${(index * 7_919_131).toString(16).padStart(12, '0')}`,
    })),
    operationsPerUser: { min: 2, p1: 4, p50: 7, p99: 11, max: 15, completedRatio: 1 },
    history: Array.from({ length: 7 }, (_, step) => ({
      user: 17, step, op: ops[step % 6]?.[0] ?? 'feed', dueMs: 1_700 + step * 9_400, thinkTimeMs: 9_400, outcome: 'ok', responseUs: 24_000, serviceUs: 22_500,
      poolWaitUs: 800, latenessUs: 700, requests: [{ method: 'GET', path: '/feed?limit=20', status: 200, serviceUs: 22_500, correlationId: `aa0${step}` }],
    })),
    writes: { acknowledged: new Uint32Array(0), checksum: new Float64Array(0), indeterminate: [], indeterminateDropped: 0, byKind: {}, run: '7f3a0000' },
    unsent: 0, interrupted: false, workersLost: [],
    ...change,
  };
}

/** The facts that go with it. @param change replaces parts */
export function sampleFacts(change: Partial<RunFacts> = {}): RunFacts {
  const thresholds = parseThresholds(
    { response_time: ['p(95)<500'], 'response_time{op:ai}': ['p(95)<800'], http_req_failed: ['rate<0.001'], audit_lost: ['count<1'], audit_duplicated: ['count<1'] },
    (error) => {
      throw error;
    },
  );
  return {
    description: 'A launch day in small', scenarioSha256: 'c0ffee'.repeat(10) + 'c0ff', note: '', gitSha: '362612386359523b2708a0000000000000000000', version: '0.1.0',
    host: 'build-7', thinkTime: 'exponential, mean 10 s', thresholds, validity: defaultValidityLimits,
    audit: { acknowledgedWrites: 21_406, lost: 0, duplicated: 0, indeterminate: 3, ledgerBalanced: true, unexpected: 0, usersCompared: 9_211, differences: [] },
    processes: [
      { name: 'api-1', cpuUsPerOperation: 412, rssMaxBytes: 184e6 }, { name: 'gateway', cpuUsPerOperation: 61, rssMaxBytes: 97e6 },
      { name: 'postgres', cpuUsPerOperation: 388, rssMaxBytes: 402e6 }, { name: 'worker-1', cpuUsPerOperation: 57, rssMaxBytes: 141e6 },
    ],
    machine: {
      cores: 2, memoryBytes: 25.2e9, platform: 'linux x64', cpuModel: 'EPYC', fileSystem: 'ext4', fsyncMedianMs: 0.61, fsync: 'on',
      synchronous_commit: 'on', full_page_writes: 'on',
    },
    generator: { cpuUs: 7_200_000, operations: 60_000, rssBytes: 330e6, fixedBytes: 312e6, bytesPerUser: 2_000 },
    ...change,
  };
}

/** Repeats the same spread of times for each operation: a bell in logarithm with a thin tail. */
function operation(op: string, phase: PhaseName, share: number, middleMs: number): OperationSample {
  const total = Math.round(share * (phase === 'hold' ? 60_000 : 5_000));
  const histograms = Object.fromEntries(timeNames.map((name) => [name, new Histogram()])) as Record<(typeof timeNames)[number], Histogram>;
  for (let index = 0; index < total; index += 1) {
    const z = wave(index * 0.618) + wave(index * 0.317) + wave(index * 0.913) + wave(index * 0.541);
    const serviceUs = middleMs * 1_000 * Math.exp(z * 0.33);
    const waitUs = index % 40 === 0 ? 500_000 * Math.abs(wave(index * 0.77)) : 300;
    histograms.service.record(serviceUs);
    histograms.poolWait.record(waitUs);
    histograms.lateness.record(900);
    histograms.response.record(serviceUs + waitUs + 900);
  }
  const failedResponse = new Histogram();
  const failed = phase === 'hold' && op === 'feed' ? 19 : phase === 'hold' && op === 'chat' ? 1 : 0;
  // As many of the slowest as failed.
  for (let index = 1; index <= failed; index += 1) failedResponse.record(histograms.response.quantile(1 - index / total));
  return {
    op, phase, total, failed, refused: op === 'payment' ? 61 : 0, requests: total, requestsFailed: failed, bytesSent: total * 310, bytesReceived: total * 2_100,
    times: { response: histograms.response.encode(), service: histograms.service.encode(), poolWait: histograms.poolWait.encode(), lateness: histograms.lateness.encode() },
    requestDuration: histograms.service.encode(),
    failedResponse: failedResponse.encode(),
  };
}

function point(second: number): SeriesPoint {
  const phase = second < 10 ? 'ramp' : second < 70 ? 'hold' : 'drain';
  const share = Math.min(1, (second + 1) / 10) * (phase === 'drain' ? 0 : 1);
  const slow = second >= 41 && second < 45 ? 1 : 0;
  if (share === 0) return { second, phase, users: 0, total: 12, failed: 0, refused: 0, p50Ms: 31, p95Ms: 60, p99Ms: 70 };
  return {
    second, phase, users: Math.round(10_000 * share), total: Math.round(1_000 * share + 28 * wave(second * 0.37) - slow * 190), failed: slow * 5, refused: second % 3 === 0 ? 2 : 1,
    p50Ms: 21 + 2 * wave(second * 0.61) + slow * 44, p95Ms: 118 + 14 * wave(second * 0.43) + slow * 330, p99Ms: 208 + 30 * wave(second * 0.71) + slow * 900,
  };
}

/** A triangle wave between −1 and 1 with period 1. */
function wave(at: number): number {
  const part = at - Math.floor(at);
  return part < 0.5 ? 4 * part - 1 : 3 - 4 * part;
}
