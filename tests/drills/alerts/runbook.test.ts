import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createNodeHost } from '../../../ops/core/node-host.ts';
import type { DrillEntry, DrillRecord } from './record.ts';
import { judge } from './report.ts';
import { createFollower, fillIn, summarise } from './runbook.ts';
import type { CommandOutcome, FollowedSection, RunbookFollower } from './runbook.ts';

const path = 'runbooks/some.md';
const text = `# Some

## First checks

\`\`\`sh
echo "$NAME"
echo wrong >&2; exit 3
true
\`\`\`

\`\`\`sh
echo example.test; kill -9 $$
\`\`\`

## Mitigation

\`\`\`sh
echo never
echo HOST > mitigated
\`\`\`

## Proof of recovery

\`\`\`sh
cat mitigated
\`\`\`
`;

let root = '';
let follower: RunbookFollower;
const said: string[] = [];
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'sora-runbook-'));
  mkdirSync(join(root, 'runbooks'));
  writeFileSync(join(root, path), text);
  follower = createFollower({ host: createNodeHost(), root, env: { ...process.env, NAME: 'somebody' }, say: (line) => said.push(line) });
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const problems = (outcomes: readonly CommandOutcome[]): (string | undefined)[] => outcomes.map(({ problem }) => problem);

test('runs the commands of a section; what fails, is killed or shows nothing is told', async () => {
  const outcomes = await follower.follow(path, 'First checks', { excused: { true: 'nobody asked' } });
  expect(problems(outcomes)).toEqual([undefined, 'exit code 3: wrong', 'shows nothing: ', 'exit code SIGKILL: ']);
  expect(outcomes.map(({ excuse }) => excuse)).toEqual([undefined, undefined, 'nobody asked', undefined]);
  expect(said).toHaveLength(3);
});

test('runs of the mitigation only what ends the fault, with what a person puts in', async () => {
  expect(problems(await follower.follow(path, 'Mitigation', { fill: { HOST: 'here' } }, ['echo HOST']))).toEqual([undefined]);
  expect(problems(await follower.follow(path, 'Proof of recovery'))).toEqual([undefined]);
  expect(fillIn('a HOST b HOST', { HOST: 'x', b: 'c' })).toBe('a x c x');
});

const outcome = (section: FollowedSection, problem?: string, excuse?: string): CommandOutcome => ({ section, command: `${section} command`, problem, excuse });

test('a runbook is followed when checks and proof answered, but for what is excused', () => {
  expect(summarise(path, [outcome('First checks'), outcome('First checks'), outcome('Mitigation'), outcome('Proof of recovery')])).toEqual({ path, followed: '2 + 1 commands, ended by its mitigation' });
  expect(summarise(path, [outcome('First checks'), outcome('First checks', 'shows nothing', 'no request fails'), outcome('Proof of recovery')])).toEqual({ path, followed: '1 + 1 commands; no request fails' });
  expect(summarise(path, [outcome('First checks', 'exit code 1: no'), outcome('Proof of recovery')]).problem).toBe('`First checks command` exit code 1: no');
  expect(summarise(path, [outcome('First checks')]).problem).toBe('recovery was not proven');
  expect(summarise(path, []).problem).toBe('no check was made');
});

test('the drill counts a shared runbook once, and one that was never followed', () => {
  const entry = (alert: string, runbook?: DrillEntry['runbook']): DrillEntry => ({ alert, fault: 'f', what: 'w', severity: 'high', measured: '', conditionAfterMs: 0, atMs: 0, commit: 'c', ...(runbook === undefined ? {} : { runbook }) });
  const followed = { path, followed: '3 + 1 commands' };
  const judged = (alerts: readonly DrillEntry[]) => judge({ schema: 'sora.alert-drills/v1', machine: '', alerts: [...alerts], repeated: [] }, []).find((finding) => finding.text.includes('runbooks'));
  expect(judged([entry('A', followed), entry('B', followed)])).toEqual({ ok: true, text: '1 of 1 runbooks followed' });
  expect(judged([entry('A', followed), entry('B'), entry('C', { path: 'runbooks/c.md', followed: '', problem: 'no check was made' })])).toEqual({ ok: false, text: '1 of 3 runbooks followed; not: B, runbooks/c.md' });
});

test('what was never repeated or replayed does not hold', () => {
  const judged = (given: Partial<DrillRecord>) => judge({ schema: 'sora.alert-drills/v1', machine: '', alerts: [], repeated: [], ...given }, []).filter(({ text }) => /repeated|replayed|played|times/.test(text));
  expect(judged({})).toEqual([
    { ok: false, text: 'never repeated: one fault, ten times over' },
    { ok: false, text: "never replayed: the load run's samples, in another process" },
  ]);
  const again: DrillEntry = { alert: 'A', fault: 'f', what: 'w', severity: 'critical', measured: '', conditionAfterMs: 0, toMessageMs: 9_000, atMs: 0, commit: 'c' };
  expect(judged({ repeated: [again, again], replay: { ok: true, text: 'the same', atMs: 0, commit: 'c' } })).toEqual([
    { ok: true, text: 'A 2 times: median 9.0 s, worst 9.0 s, limit 40 s' },
    { ok: true, text: "the load run's samples played again in another process (1970-01-01 00:00, c): the same" },
  ]);
  expect(judged({ repeated: [again, { ...again, toMessageMs: undefined }] })[0]).toMatchObject({ ok: false });
});
