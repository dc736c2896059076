import type { Summary } from '../../loadtests/report/summary-schema.ts';
import type { StackProcess } from '../../ops/supervisor/stack-state.ts';
import { auditChecks, describeErrors } from './run-checks.ts';
import { atLeast, atMost, equals, note } from './check.ts';
import type { Check } from './check.ts';
import { until } from './drill.ts';
import type { Drill, DrillContext } from './drill.ts';
import { requireSummary, startLoadRun } from './load-run.ts';
import type { LoadRun } from './load-run.ts';

interface Outage {
  readonly killedAtMs: number;
  /** When the process, and all others, were ready again. */
  readonly readyAtMs: number;
  readonly restarts: number;
}

/** After readiness, clients may need so long to find their way back. */
const recoveryMs = 5_000;
const beforeKillMs = 5_000;
const restartWithinMs = 60_000;

/** A drill that ends one process of the stack with SIGKILL in the middle of the hold. */
export function killService(name: string, kind: StackProcess['kind'], what: string): Drill {
  return {
    name,
    summary: `kill -9 of ${what} in mid-run: restarted, errors confined to the outage, nothing lost or doubled`,
    async run(context) {
      const run = startLoadRun(context);
      await run.reached('hold');
      await context.host.timers.sleep(beforeKillMs, context.signal);
      const outage = await strike(context, run, kind);
      const summary = requireSummary(await run.ended);
      return [...outageChecks(outage), ...failureChecks(summary, outage), ...auditChecks(summary)];
    },
  };
}

async function strike(context: DrillContext, run: LoadRun, kind: StackProcess['kind']): Promise<Outage> {
  const { clock, process } = context.host;
  const victim = run.stack()?.processes.find((row) => row.kind === kind && row.pid !== null);
  if (victim === undefined || victim.pid === null) throw new Error(`the stack has no process of kind ${kind}`);
  const { name, pid } = victim;
  const killedAtMs = clock.nowMs();
  process.kill(pid, 'SIGKILL');
  context.say(`killed ${name}, pid ${pid}`);
  return await until(context, `the restart of ${name}`, restartWithinMs, () => {
    const rows = run.stack()?.processes ?? [];
    const again = rows.find((row) => row.name === name);
    if (again === undefined || again.pid === pid || again.restarts <= victim.restarts) return undefined;
    return rows.every((row) => row.state === 'ready') ? { killedAtMs, readyAtMs: clock.nowMs(), restarts: again.restarts } : undefined;
  });
}

function outageChecks({ killedAtMs, readyAtMs, restarts }: Outage): Check[] {
  return [
    atLeast('restarts', restarts, 1),
    atMost('every process ready again after', (readyAtMs - killedAtMs) / 1_000, restartWithinMs / 1_000, 's'),
  ];
}

/** Failures lie between the second of the kill and 5 s after readiness, and the load goes on beyond. */
export function failureChecks(summary: Summary, { killedAtMs, readyAtMs }: Pick<Outage, 'killedAtMs' | 'readyAtMs'>): Check[] {
  const startMs = Date.parse(summary.startedAt);
  const sum = (points: Summary['series'], pick: (point: Summary['series'][number]) => number): number => points.reduce((total, point) => total + pick(point), 0);
  const endOf = (second: number): number => startMs + (second + 1) * 1_000;
  const before = summary.series.filter(({ second }) => endOf(second) < killedAtMs);
  const after = summary.series.filter(({ second }) => endOf(second) - 1_000 > readyAtMs + recoveryMs && second * 1_000 < holdEndMs(summary));
  const during = summary.series.filter((point) => !before.includes(point) && !after.includes(point));
  const rate = (points: Summary['series']): number => sum(points, ({ total, failed }) => total - failed) / Math.max(1, points.length);
  const held = before.filter(({ phase }) => phase === 'hold');
  return [
    equals('failed before the kill', sum(before, ({ failed }) => failed), 0),
    equals(`failed later than ${recoveryMs / 1_000} s after readiness`, sum(after, ({ failed }) => failed), 0),
    note('failed in the outage', `${sum(during, ({ failed }) => failed)} of ${sum(during, ({ total }) => total)} operations`),
    note('kinds', describeErrors(summary.errors)),
    atLeast('seconds observed after recovery', after.length, 3),
    atLeast('good operations/s after, of those before', rate(after) / Math.max(1, rate(held)), 0.8),
    atMost('first failure before the kill by', firstFailureLeadS(summary, killedAtMs), 1, 's'),
  ];
}

function holdEndMs(summary: Summary): number {
  const hold = summary.phases.find(({ name }) => name === 'hold');
  return hold === undefined ? Number.POSITIVE_INFINITY : (hold.startS + hold.durationS) * 1_000;
}

/** How long before the kill the first error was; 0 when it came after. */
function firstFailureLeadS(summary: Summary, killedAtMs: number): number {
  const firstAtS = Math.min(...summary.errors.map((error) => error.firstAtS ?? Number.POSITIVE_INFINITY), Number.POSITIVE_INFINITY);
  return Math.max(0, (killedAtMs - Date.parse(summary.startedAt)) / 1_000 - firstAtS);
}
