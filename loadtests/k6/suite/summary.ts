import { launchJourneys } from '../../scenarios/launch-mix/journeys.ts';
import { fixedUsersOf } from './options.ts';
import { dueBefore, lengthMs } from './plan.ts';
import { currentPlan, settings } from './settings.ts';

/** The parts of k6's end-of-test data that are kept. The rest of the data of `setup` holds tokens and is not. */
interface EndOfTest {
  readonly metrics: Readonly<Record<string, { readonly thresholds?: Readonly<Record<string, { readonly ok: boolean }>> }>>;
  readonly root_group: unknown;
  readonly state: { readonly testRunDurationMs: number };
  readonly setup_data?: { readonly startedAtMs?: number } | undefined;
}

/** Writes k6's figures with what they belong to; without us, says which thresholds were met. */
export function handleSummary(data: EndOfTest): Record<string, string> {
  const { metrics, root_group, state, setup_data } = data;
  const plan = currentPlan();
  const endedAtMs = new Date().getTime();
  const startedAtMs = setup_data?.startedAtMs ?? endedAtMs;
  const rampMs = lengthMs(plan, 'ramp');
  const holdMs = Math.max(0, Math.min(lengthMs(plan, 'hold'), endedAtMs - startedAtMs - rampMs));
  const fixedPerS = fixedUsersOf(launchJourneys).reduce((sum, { everyMs }) => sum + 1_000 / everyMs, 0);
  const duePerS = holdMs === 0 ? 0 : ((dueBefore(plan, rampMs + holdMs) - dueBefore(plan, rampMs)) * 1_000) / holdMs + fixedPerS;
  const { name, about, users, thinkTimeMs } = plan;
  const run = { name, about, users, thinkTimeMs, startedAtMs, endedAtMs, rampMs, plannedHoldMs: lengthMs(plan, 'hold'), holdMs, duePerS };
  return { [settings.summaryPath]: JSON.stringify({ run, metrics, root_group, state }), ...(settings.isAlone ? { stdout: describeThresholds(metrics) } : {}) };
}

/** One line a threshold. */
export function describeThresholds(metrics: EndOfTest['metrics']): string {
  const lines = Object.entries(metrics).flatMap(([metric, { thresholds }]) =>
    Object.entries(thresholds ?? {}).map(([expression, { ok }]) => `  ${ok ? '✓' : '✗'} ${metric}: ${expression}\n`));
  return lines.toSorted().join('');
}
