import { join } from 'node:path';
import { atLeast, equals, holds, note } from './check.ts';
import type { Drill } from './drill.ts';
import { requireSummary, startLoadRun, workersOf } from './load-run.ts';

const beforeKillMs = 3_000;

/** One of two harness workers dies: its users' writes are unknown, so the run proves nothing, and says so. */
export const killHarnessWorker: Drill = {
  name: 'kill-harness-worker',
  summary: 'kill -9 of a harness worker in mid-run: insufficient, with a partial report',
  async run(context) {
    const { host, home, signal } = context;
    const run = startLoadRun(context, { flags: ['--workers', '2'] });
    await run.reached('hold');
    await host.timers.sleep(beforeKillMs, signal);
    const workers = workersOf(host, run);
    const victim = workers.at(-1);
    if (victim === undefined) throw new Error(`no process below ${run.pid} is a worker of the harness`);
    const killedAtMs = host.clock.nowMs();
    host.process.kill(victim.pid, 'SIGKILL');
    context.say(`killed a harness worker, pid ${victim.pid}`);
    const ended = await run.ended;
    const summary = requireSummary(ended);
    const named = /worker (\d+) is lost.*/.exec(ended.stderr);
    const reason = summary.reasons.find((text) => text.includes(`worker ${named?.[1]} was lost`));
    const killedAtS = (killedAtMs - Date.parse(summary.startedAt)) / 1_000;
    const after = summary.series.filter(({ second }) => second > killedAtS + 1).reduce((sum, { total }) => sum + total, 0);
    const folder = join(home, 'runs', summary.runId);
    const missing = ['report.html', 'summary.json', 'junit.xml'].filter((name) => !host.files.exists(join(folder, name)));
    return [
      equals('workers at the time', workers.length, 2),
      equals('exit code', ended.exitCode, 98),
      equals('verdict', summary.verdict, 'insufficient'),
      equals('workers lost', summary.generator.workersLost, 1),
      holds('the message on stderr names it', named !== null, named?.[0] ?? 'none', 'worker N is lost'),
      holds('a reason names it', reason !== undefined, reason ?? summary.reasons.join('; '), 'worker N was lost'),
      holds('the partial report is there', missing.length === 0, missing.length === 0 ? folder : `missing ${missing.join(', ')}`, 'three files'),
      atLeast('operations measured in the hold', summary.operations.total, 1),
      atLeast('operations of the other worker after the kill', after, 1),
      note('audit', `${summary.audit?.usersCompared} users compared; ${summary.audit?.incomplete ?? 'complete'}`),
    ];
  },
};
