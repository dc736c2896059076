import { listPidsWithEnv } from '../../ops/supervisor/process-table.ts';
import { atLeast, atMost, equals, holds, note } from './check.ts';
import type { Drill } from './drill.ts';
import { startLoadRun } from './load-run.ts';
import { descendantsOf, listProcesses, survivorsOf } from './process-tree.ts';
import type { ProcessRow } from './process-tree.ts';

const beforeKillMs = 3_000;
const goneWithinMs = 10_000;
const lookEveryMs = 100;

/** The supervisor dies: its reaper must end all it started, database included, within 10 s. */
export const killSupervisor: Drill = {
  name: 'kill-supervisor',
  summary: 'kill -9 of the supervisor in mid-run: nothing it started survives 10 s',
  async run(context) {
    const { host, signal } = context;
    const { clock, timers } = host;
    const run = startLoadRun(context);
    await run.reached('hold');
    await timers.sleep(beforeKillMs, signal);
    const stack = run.stack();
    if (stack === undefined) throw new Error('the run has no stack');
    const rows = listProcesses(host);
    const instance = new Set(listPidsWithEnv(host, 'SORA_INSTANCE', stack.instance));
    const below = descendantsOf(rows, stack.supervisorPid);
    const strays = rows.filter(({ pid }) => instance.has(pid) && !below.some((row) => row.pid === pid));
    const recorded: ProcessRow[] = [...below, ...strays];
    const listed = stack.processes.flatMap(({ pid }) => pid ?? []);
    host.process.kill(stack.supervisorPid, 'SIGKILL');
    const killedAtMs = clock.monotonicMs();
    context.say(`killed the supervisor, pid ${stack.supervisorPid}, above ${recorded.length} processes`);
    let left = survivorsOf(host, recorded);
    while (left.length > 0 && clock.monotonicMs() - killedAtMs < goneWithinMs) {
      await timers.sleep(lookEveryMs);
      left = survivorsOf(host, recorded);
    }
    const goneMs = clock.monotonicMs() - killedAtMs;
    const ended = await run.ended;
    const late = listPidsWithEnv(host, 'SORA_INSTANCE', stack.instance);
    return [
      atLeast('processes recorded, those of state.json among them', recorded.filter(({ pid }) => listed.includes(pid)).length, listed.length),
      note('recorded in all, with PostgreSQL’s backends', String(recorded.length)),
      equals('survivors', left.length, 0),
      ...left.map((row) => note('survivor', `pid ${row.pid} ${row.command.slice(0, 100)}`)),
      atMost('all gone after', goneMs / 1_000, goneWithinMs / 1_000, 's'),
      equals('processes of that stack at the end of the command', late.length, 0),
      holds('the command says that it proved nothing', ended.exitCode === 98 || ended.exitCode === 105, `exit ${ended.exitCode}, ${ended.summary?.reasons.join('; ') ?? 'no summary'}`, 'exit 98 or 105'),
    ];
  },
};
