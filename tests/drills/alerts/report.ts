import { load } from './users.ts';
import { pace } from './stage.ts';
import type { DrillEntry, DrillRecord } from './record.ts';

/** What the drill must show. */
export const limits = { medianMs: 20_000, worstOfTenMs: 40_000, firingToMessageMs: 2_000 } as const;

export interface Finding {
  readonly text: string;
  readonly ok: boolean;
}

export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = sorted.length / 2;
  return ((sorted[Math.floor(middle - 0.5)] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2;
}

const present = (value: number | undefined): value is number => value !== undefined;

/** What holds and what does not. @param rules every shipped one */
export function judge({ alerts: outcomes, repeated, replay }: DrillRecord, rules: readonly string[]): Finding[] {
  const missing = rules.filter((rule) => outcomes.every(({ alert }) => alert !== rule));
  const times = outcomes.map(({ toMessageMs }) => toMessageMs).filter(present);
  const waits = [...outcomes, ...repeated].map(({ firingToMessageMs }) => firingToMessageMs).filter(present);
  const bad = outcomes.filter(({ problem }) => problem !== undefined);
  const within = waits.filter((ms) => ms < limits.firingToMessageMs).length;
  return [
    { ok: bad.length === 0, text: `${outcomes.length - bad.length} of ${outcomes.length} alerts fired, were received and were resolved${bad.length === 0 ? '' : `; not: ${bad.map(({ alert }) => alert).join(', ')}`}` },
    ...(missing.length === 0 ? [] : [{ ok: false, text: `never drilled: ${missing.join(', ')}` }]),
    ...(times.length === 0 ? [] : [{ ok: medianOf(times) < limits.medianMs, text: `cause to message: median ${secondsOf(medianOf(times))} s, limit ${limits.medianMs / 1_000} s; longest ${secondsOf(Math.max(...times))} s` }]),
    judgeRepeated(repeated),
    ...(waits.length === 0 ? [] : [{ ok: within === waits.length, text: `firing to message: median ${Math.round(medianOf(waits))} ms, longest ${Math.round(Math.max(...waits))} ms; ${within} of ${waits.length} below ${limits.firingToMessageMs / 1_000} s` }]),
    judgeRunbooks(outcomes),
    judgeReplay(replay),
  ];
}

/** What was never shown does not hold. */
function judgeRepeated(repeated: readonly DrillEntry[]): Finding {
  const [first] = repeated;
  if (first === undefined) return { ok: false, text: 'never repeated: one fault, ten times over' };
  const worst = Math.max(...repeated.map(({ toMessageMs }) => toMessageMs ?? Number.POSITIVE_INFINITY));
  const median = medianOf(repeated.map(({ toMessageMs }) => toMessageMs).filter(present));
  return {
    ok: worst < limits.worstOfTenMs && repeated.every(({ problem }) => problem === undefined),
    text: `${first.alert} ${repeated.length} times: median ${secondsOf(median)} s, worst ${secondsOf(worst)} s, limit ${limits.worstOfTenMs / 1_000} s`,
  };
}

function judgeReplay(replay: DrillRecord['replay']): Finding {
  if (replay === undefined) return { ok: false, text: "never replayed: the load run's samples, in another process" };
  return { ok: replay.ok, text: `the load run's samples played again in another process (${dateOf(replay.atMs)}, ${replay.commit}): ${replay.text}` };
}

const secondsOf = (ms: number | undefined): string => (ms === undefined ? '–' : (ms / 1_000).toFixed(1));

function runbookCell({ runbook }: DrillEntry): string {
  if (runbook === undefined) return '–';
  return (runbook.problem === undefined ? runbook.followed : `✗ ${runbook.problem}`).replaceAll('|', '\\|');
}

/** A runbook that several rules share counts once. */
function judgeRunbooks(entries: readonly DrillEntry[]): Finding {
  const byPath = new Map(entries.map(({ alert, runbook }) => [runbook?.path ?? alert, runbook]));
  const bad = [...byPath].filter(([, runbook]) => runbook === undefined || runbook.problem !== undefined);
  return { ok: bad.length === 0, text: `${byPath.size - bad.length} of ${byPath.size} runbooks followed${bad.length === 0 ? '' : `; not: ${bad.map(([path]) => path).join(', ')}`}` };
}

const dateOf = (ms: number): string => new Date(ms).toISOString().slice(0, 16).replace('T', ' ');

/** The page that the command writes. @param rules every shipped one */
export function renderReport(record: DrillRecord, rules: readonly string[]): string {
  const row = (entry: DrillEntry): string => `| ${[
    entry.alert, entry.severity, entry.what + (entry.conditionAfterMs === 0 ? '' : ` (cannot hold before ${entry.conditionAfterMs / 1_000} s, which are not counted)`), entry.measured.replaceAll('|', '/'),
    secondsOf(entry.toFiringMs), entry.firingToMessageMs === undefined ? '–' : String(Math.round(entry.firingToMessageMs)), secondsOf(entry.toMessageMs), secondsOf(entry.toResolvedMs),
    runbookCell(entry), `${dateOf(entry.atMs)}, ${entry.commit}`, entry.problem === undefined ? '✓' : `✗ ${entry.problem}`,
  ].join(' | ')} |`;
  const head = ['| alert | severity | fault | measured | fault → firing, s | firing → message, ms | fault → message, s | removed → over, s | runbook | drilled (UTC), commit | result |', `|${'---|'.repeat(11)}`];
  return [
    '# Alert drills', '',
    'Written by `npm run drill:alerts`; not by hand.', '',
    `Machine: ${record.machine}. The whole stack as \`sora up\` starts it, ${load.users} users with ${load.thinkS} s of think time on it.`,
    `Samples and evaluations every ${pace.scrapeS} and ${pace.evaluationS} s; windows of the rules cut to ${pace.windowS} s and \`for\` to ${(pace.windowS / 6).toFixed(1)} s, limits as shipped; inhibition off, so that every message is seen.`,
    'A message counts when the receiver, another process, has it. Faults that touch different parts are there at the same time.',
    'Runbooks are followed when all messages of a round have come: the commands of their first checks while the fault is there, those that prove recovery after the message that it is over; `3 + 1 commands` counts both.', '',
    '## What holds', '', ...judge(record, rules).map(({ ok, text }) => `- ${ok ? '✓' : '✗'} ${text}`), '',
    '## Every rule', '', ...head, ...record.alerts.map(row), '',
    ...(record.repeated.length === 0 ? [] : ['## The same again', '', ...head, ...record.repeated.map(row), '']),
  ].join('\n');
}
