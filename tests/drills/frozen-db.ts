import { atLeast, atMost, equals, note } from './check.ts';
import type { Drill, DrillContext } from './drill.ts';
import { requireSummary, startLoadRun } from './load-run.ts';
import type { LoadRun } from './load-run.ts';
import { descendantsOf, listProcesses } from './process-tree.ts';
import { describeErrors } from './run-checks.ts';

const holdMs = 60_000;
const sockets = 64;
const freezeMs = 3_000;
const beforeFreezeMs = 20_000;
/** At most `sockets` requests can be on the wire when it freezes; they must stay below one in a hundred. */
const operationsMin = sockets * 100;

/**
 * Every process of PostgreSQL stops for 3 s. Whoever measures from the moment of sending sees at most
 * 64 slow requests and a good p99; whoever counts from the due time sees all who had to wait.
 */
export const frozenDb: Drill = {
  name: 'frozen-db',
  summary: 'database frozen for 3 s (SIGSTOP): response p99 above 2 s, service p99 at least 10 times lower, exit 99',
  async run(context) {
    const run = startLoadRun(context, { holdMs, flags: ['--sockets', String(sockets)] });
    await run.reached('hold');
    await context.host.timers.sleep(beforeFreezeMs, context.signal);
    const frozenMs = await freeze(context, run);
    const ended = await run.ended;
    const summary = requireSummary(ended);
    const responseMs = summary.latencyMs.response.p99 ?? 0;
    const serviceMs = summary.latencyMs.service.p99 ?? Number.POSITIVE_INFINITY;
    return [
      equals('exit code', ended.exitCode, 99),
      atLeast('operations in the hold', summary.operations.total, operationsMin),
      atLeast('frozen for', frozenMs, freezeMs, 'ms'),
      atLeast('response p99', responseMs, 2_000, 'ms'),
      atMost('service p99', serviceMs, responseMs / 10, 'ms'),
      note('service max, pool wait p99', `${summary.latencyMs.service.max?.toFixed(0)} ms, ${summary.latencyMs.poolWait.p99?.toFixed(0)} ms`),
      note('failed', `${summary.operations.failed} of ${summary.operations.total}: ${describeErrors(summary.errors)}`),
      equals('audit: lost and duplicated', (summary.audit?.lost ?? -1) + (summary.audit?.duplicated ?? -1), 0),
      note('verdict', summary.reasons.join('; ')),
    ];
  },
};

/** Stops the postmaster first, so that it starts no further backend; answers for how long all stood still. */
async function freeze(context: DrillContext, run: LoadRun): Promise<number> {
  const { clock, process, timers } = context.host;
  const postmaster = run.stack()?.processes.find(({ kind }) => kind === 'database')?.pid;
  if (postmaster === undefined || postmaster === null) throw new Error('the stack has no database of its own');
  process.kill(postmaster, 'SIGSTOP');
  const pids = [postmaster, ...descendantsOf(listProcesses(context.host), postmaster).map(({ pid }) => pid)];
  try {
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    const startMs = clock.monotonicMs();
    context.say(`froze ${pids.length} processes of PostgreSQL`);
    await timers.sleep(freezeMs, context.signal);
    return clock.monotonicMs() - startMs;
  } finally {
    for (const pid of pids.toReversed()) process.kill(pid, 'SIGCONT');
  }
}
