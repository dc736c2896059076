import { join } from 'node:path';
import { stackEnv } from '../../ops/cli/load-stack.ts';
import type { Summary } from '../../loadtests/report/summary-schema.ts';
import { auditChecks } from './audit-checks.ts';
import { atLeast, atMost, equals, holds, note } from './check.ts';
import type { Check } from './check.ts';
import type { Drill, DrillContext } from './drill.ts';
import { loadStackDir, requireSummary, startLoadRun, startSecondGenerator } from './load-run.ts';
import { issueTokens, startProber } from './probe.ts';
import type { Probed } from './probe.ts';

const baseMs = 30_000;
const overloadMs = 60_000;
const afterMs = 40_000;
/** The second generator signs its users in first; the base run's hold is longer by what that may take. */
const slackMs = 20_000;
const rampMs = 1_000;
const probesPerS = 100;
const probeUsers = 500;
const limits = { goodputRatio: 0.8, refusalMs: 50, recoveryS: 30, p95Ms: 500 } as const;

/** When the second generator was at work, wall time. */
interface Window {
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * The proven rate for 30 s, twice that for 60 s, and the proven rate again. A scenario has one ramp and
 * one hold, so the second half of the load is a second generator of the same scenario against the
 * same stack; the first never stops, and its series shows the base, the overload and the recovery.
 * Both have enough connections never to hold the load back: a pool that queues would spare the stack.
 */
export const overload: Drill = {
  name: 'overload',
  summary: 'twice the proven rate for 60 s: goodput stays at 80 %, the excess is refused at once, p95 recovers within 30 s',
  async run(context) {
    const flags = ['--sockets', String(socketsFor(context))];
    const base = startLoadRun(context, { holdMs: baseMs + overloadMs + afterMs + slackMs, flags });
    await base.reached('hold');
    const env = accessOf(context);
    const tokens = await issueTokens(env['SORA_ADMIN_URL'] ?? '', env['SORA_ADMIN_SECRET'] ?? '', Math.min(probeUsers, context.size.users));
    const prober = startProber(context.host, env['SORA_TARGET'] ?? '', tokens, probesPerS);
    try {
      await context.host.timers.sleep(baseMs, context.signal);
      context.say(`doubling the load of ${context.size.ratePerS}/s for ${overloadMs / 1_000} s`);
      const second = startSecondGenerator(context, env, { rampMs, holdMs: overloadMs, flags });
      const extra = requireSummary(await second.ended);
      const first = requireSummary(await base.ended);
      const fromMs = Date.parse(extra.startedAt) + rampMs;
      return conclude(first, extra, { fromMs, toMs: fromMs + overloadMs }, prober.probed);
    } finally {
      prober.stop();
    }
  },
};

/** One connection for each operation that a second may bring: arrivals stay open whatever the stack does. */
const socketsFor = ({ size }: DrillContext): number => Math.min(5_000, Math.max(512, size.ratePerS));

function accessOf(context: DrillContext): Record<string, string> {
  const { host, root, home } = context;
  return stackEnv({ host, root, home, topology: join(root, 'topology.json') }, loadStackDir(context));
}

function conclude(base: Summary, extra: Summary, window: Window, probed: readonly Probed[]): Check[] {
  const startMs = Date.parse(base.startedAt);
  const holdFromMs = startMs + (base.phases.find(({ name }) => name === 'hold')?.startS ?? 0) * 1_000;
  // The ramp of the second generator is neither base nor overload.
  const provenPerS = goodPerS(base, { fromMs: holdFromMs, toMs: window.fromMs - rampMs });
  const goodPerSInAll = goodPerS(base, window) + goodPerS(extra, window);
  const offeredPerS = offered(base, window) + offered(extra, window);
  return [
    atLeast('proven rate, good operations/s', provenPerS, 0.9 * (base.users / base.thinkTimeS)),
    atLeast('offered in overload, of the proven rate', offeredPerS / provenPerS, 1.7),
    atLeast('goodput in overload, of the proven rate', goodPerSInAll / provenPerS, limits.goodputRatio),
    note('goodput in overload', `${goodPerSInAll.toFixed(0)}/s good of ${offeredPerS.toFixed(0)}/s settled`),
    ...refusalChecks(probed.filter(({ atMs }) => atMs >= window.fromMs && atMs < window.toMs)),
    recoveryCheck(base, window),
    ...auditChecks(base),
    equals('audit of the second generator: lost', extra.audit?.lost, 0),
    equals('audit of the second generator: duplicated', extra.audit?.duplicated, 0),
    note('errors', [...base.errors, ...extra.errors].slice(0, 8).map(({ kind, op, count }) => `${kind} (${op}) ${count}`).join(', ') || 'none'),
  ];
}

function pointsIn(summary: Summary, { fromMs, toMs }: Window): Summary['series'] {
  const startMs = Date.parse(summary.startedAt);
  return summary.series.filter(({ second }) => startMs + second * 1_000 >= fromMs && startMs + (second + 1) * 1_000 <= toMs);
}

const perS = (points: Summary['series'], pick: (point: Summary['series'][number]) => number): number =>
  points.reduce((sum, point) => sum + pick(point), 0) / Math.max(1, points.length);
const goodPerS = (summary: Summary, window: Window): number => perS(pointsIn(summary, window), ({ total, failed, refused }) => total - failed - refused);
const offered = (summary: Summary, window: Window): number => perS(pointsIn(summary, window), ({ total }) => total);

/** What the excess was told, from the sample: 429 or 503 with `Retry-After`, at once. */
function refusalChecks(probed: readonly Probed[]): Check[] {
  const refused = probed.filter(({ status }) => status >= 400 || status === 0);
  const polite = refused.filter(({ status, retryAfter }) => (status === 429 || status === 503) && retryAfter !== undefined);
  const times = polite.map(({ tookMs }) => tookMs).toSorted((a, b) => a - b);
  const p95Ms = times[Math.max(0, Math.ceil(times.length * 0.95) - 1)] ?? 0;
  const checks = [
    note('refused, of a steady sample of reads', `${refused.length} of ${probed.length}`),
    equals('refusals that are not 429 or 503 with Retry-After', refused.length - polite.length, 0),
    atMost('refusal answered in, p95', p95Ms, limits.refusalMs, 'ms'),
    note('refusal answered in, max', `${(times.at(-1) ?? 0).toFixed(1)} ms`),
  ];
  if (refused.length > 0) return checks;
  return [...checks, note('overload', 'nothing was refused: the stack carries twice this rate; give its proven rate with --rate')];
}

/** Seconds from the end of the overload until p95 stays below its threshold. */
function recoveryCheck(base: Summary, { toMs }: Window): Check {
  const startMs = Date.parse(base.startedAt);
  const after = base.series.filter(({ second, phase }) => phase === 'hold' && startMs + second * 1_000 >= toMs);
  if (after.length < limits.recoveryS) return holds('seconds seen after the overload', false, String(after.length), `>= ${limits.recoveryS}`);
  const last = after.findLastIndex(({ p95Ms }) => (p95Ms ?? 0) > limits.p95Ms);
  return atMost(`p95 below ${limits.p95Ms} ms again after`, last + 1, limits.recoveryS, 's');
}
