import { join } from 'node:path';
import { stackEnv } from '../../ops/cli/load-stack.ts';
import { auditChecks, describeErrors } from './run-checks.ts';
import { equals, note } from './check.ts';
import type { Drill, DrillContext } from './drill.ts';
import { loadStackDir, requireSummary, startLoadRun, startSecondGenerator, yieldToStack } from './load-run.ts';
import { goodputChecks, recoveryCheck, refusalChecks } from './overload-checks.ts';
import { issueTokens, startProber } from './probe.ts';

/** Long enough to warm up: a cold stack at the full rate would begin with a queue of its own. */
const baseRampMs = 20_000;
const baseMs = 30_000;
const overloadMs = 60_000;
const afterMs = 40_000;
/** The second generator signs its users in first; the base run's hold is longer by what that may take. */
const slackMs = 20_000;
const rampMs = 1_000;
const probesPerS = 100;
/** Account 2 is the scenario's user that exceeds its own rate limit, and no sample of the others. */
const probeAccounts = { from: 3, count: 500 } as const;

/**
 * The proven rate for 30 s, twice that for 60 s, and the proven rate again. A scenario has one ramp and
 * one hold, so the second half of the load is a second generator of the same scenario against the
 * same stack; the first never stops, and its series shows the base, the overload and the recovery.
 * Both have enough connections never to hold the load back: a pool that queues would spare the stack.
 * Refusals are judged by a steady sample of reads beside the load, each on its own clock and headers.
 */
export const overload: Drill = {
  name: 'overload',
  summary: 'twice the proven rate for 60 s: goodput stays at 80 %, the excess is refused at once, p95 recovers within 30 s',
  async run(context) {
    const { host, size, signal } = context;
    const flags = ['--sockets', String(socketsFor(context))];
    const first = startLoadRun(context, { rampMs: baseRampMs, holdMs: baseMs + overloadMs + afterMs + slackMs, flags });
    await first.reached('hold');
    const env = accessOf(context);
    const count = Math.min(probeAccounts.count, size.users - probeAccounts.from);
    const tokens = await issueTokens(env['SORA_ADMIN_URL'] ?? '', env['SORA_ADMIN_SECRET'] ?? '', { ...probeAccounts, count });
    const prober = startProber(host, env['SORA_TARGET'] ?? '', tokens, probesPerS);
    try {
      await host.timers.sleep(baseMs, signal);
      context.say(`doubling the load of ${size.ratePerS}/s for ${overloadMs / 1_000} s`);
      const baseToMs = host.clock.nowMs();
      const takeBack = yieldToStack(context, first);
      const second = startSecondGenerator(context, env, { rampMs, holdMs: overloadMs, flags });
      prober.hurry();
      const extra = requireSummary(await second.ended);
      takeBack();
      const base = requireSummary(await first.ended);
      const holdFromMs = Date.parse(base.startedAt) + (base.phases.find(({ name }) => name === 'hold')?.startS ?? 0) * 1_000;
      const fromMs = Date.parse(extra.startedAt) + rampMs;
      // The set-up and the ramp of the second generator are neither base nor overload.
      const before = { fromMs: holdFromMs, toMs: baseToMs };
      const window = { fromMs, toMs: fromMs + overloadMs };
      return [
        ...goodputChecks(base, extra, before, window),
        ...refusalChecks(prober.probed.filter(({ atMs }) => atMs >= window.fromMs && atMs < window.toMs)),
        recoveryCheck(base, window),
        ...auditChecks(base),
        equals('audit of the second generator: lost', extra.audit?.lost, 0),
        equals('audit of the second generator: duplicated', extra.audit?.duplicated, 0),
        note('errors', describeErrors([...base.errors, ...extra.errors])),
      ];
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
