import type { BenchLimit, BenchRow } from '../../../ops/core/bench-row.ts';
import type { Summary } from '../../report/summary-schema.ts';

const users = 1_000_000;
const durationSMin = 600;
const group = '1,000,000 users, 10 min';
const howToMake = 'npm run loadtest -- --users 1000000 --duration 600s makes one';

interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly pick: (run: Summary) => number | null | undefined;
  readonly must?: BenchLimit;
}

/** The run's verdict covers its thresholds; the others are what any such run must show. Runs that do not tell the fixed part apart know no marginal one. */
const figures: readonly Figure[] = [
  { name: 'why it did not pass', unit: 'reasons', pick: ({ verdict, reasons }) => (verdict === 'pass' ? 0 : Math.max(1, reasons.length)), must: { atMost: 0 } },
  { name: 'achieved', unit: 'operations/s', pick: ({ operations }) => operations.achievedPerS },
  { name: 'failed', unit: 'operations', pick: ({ operations }) => operations.failed },
  { name: 'response time', unit: 'ms, p50', pick: ({ latencyMs }) => latencyMs.response.p50 },
  { name: 'response time', unit: 'ms, p95', pick: ({ latencyMs }) => latencyMs.response.p95 },
  { name: 'response time', unit: 'ms, p99', pick: ({ latencyMs }) => latencyMs.response.p99 },
  { name: 'lateness', unit: 'ms, p99', pick: ({ latencyMs }) => latencyMs.lateness.p99, must: { below: 10 } },
  { name: 'generator', unit: 'µs CPU/operation', pick: ({ generator }) => generator.cpuUsPerOperation, must: { atMost: 15 } },
  { name: 'generator', unit: 'bytes/user, marginal', pick: ({ generator }) => (typeof generator.fixedBytes === 'number' ? generator.bytesPerUser : null), must: { atMost: 2_000 } },
  { name: 'generator', unit: 'MB, fixed part', pick: ({ generator }) => (typeof generator.fixedBytes === 'number' ? generator.fixedBytes / 1e6 : null) },
  { name: 'generator', unit: 'MB resident', pick: ({ generator }) => (generator.rssBytes === null ? null : generator.rssBytes / 1e6) },
  { name: 'audit, lost and duplicated', unit: 'writes', pick: ({ audit }) => (audit === null ? null : audit.lost + audit.duplicated), must: { atMost: 0 } },
];

/** The figures of the newest run of launch-mix with a million users over ten minutes. @param runs newest first */
export function millionRows(runs: readonly Summary[]): BenchRow[] {
  const run = runs.find(isMillion);
  if (run === undefined) {
    const unmeasured = `none of the ${runs.length} runs kept is one of launch-mix with 1,000,000 users over 10 min; ${howToMake}`;
    return [{ group, name: 'the whole run', unit: 'runs', must: { atLeast: 1 }, unmeasured }];
  }
  return figures.map(({ name, unit, pick, must }, index): BenchRow => {
    const value = pick(run);
    const row = { group, name, unit, ...(must === undefined ? {} : { must }) };
    if (value === null || value === undefined) return { ...row, unmeasured: `run ${run.runId} does not tell it` };
    return { ...row, median: value, low: value, high: value, ...(index > 0 ? {} : { note: `${run.verdict}: run ${run.runId} of ${run.startedAt.slice(0, 10)}, version ${run.version}` }) };
  });
}

/** A merged run or one of another tool measures another generator. */
const isMillion = (run: Summary): boolean =>
  run.scenario === 'launch-mix' && run.users === users && run.durationS >= durationSMin && run.generator.tool === 'sora' && run.partition === undefined && run.shares === undefined;
