import { describe, expect, it } from 'vitest';
import { callRows, timeCalls } from './bench-calls.ts';
import { runBench } from './bench-cli.ts';
import { formatFigure } from './bench-figure.ts';
import { complaintOf, describeLimit, standingOf } from './bench-limits.ts';
import type { BenchRow } from './bench-row.ts';
import { renderBench } from './bench-table.ts';
import { invalidConfig } from './error.ts';
import type { Host } from './host.ts';
import { createTestHost } from './test-host.ts';

const row: BenchRow = { group: 'ledger', name: 'transfers', unit: 'transfers/s', median: 9_000, low: 8_100, high: 9_900, note: 'durable' };

/** A host with these arguments whose exit code is kept. */
function hostWith(...argv: string[]): { host: Host; written: { stdout: string; stderr: string }; code: () => number } {
  const host = createTestHost();
  let code = 0;
  const setExitCode = (value: number): void => void (code = value);
  return { host: { ...host, process: { ...host.process, argv, setExitCode } }, written: host.written, code: () => code };
}

describe('runBench', () => {
  it('prints one JSON array on standard output and progress on standard error', async () => {
    const { host, written, code } = hostWith('--json', '--quick');
    await runBench(host, (_host, { quick, say }) => {
      say(`quick is ${quick}`);
      return [row];
    });
    expect(JSON.parse(written.stdout)).toEqual([row]);
    expect(written.stderr).toBe('quick is true\n');
    expect(code()).toBe(0);
  });

  it('prints a table without --json', async () => {
    const { host, written } = hostWith();
    await runBench(host, (_host, { quick }) => [{ ...row, name: quick ? 'quick' : 'long' }]);
    expect(written.stdout).toBe(renderBench([{ ...row, name: 'long' }]));
  });

  it('ends with a message, a hint and the code of what went wrong, and prints no rows', async () => {
    const refused = hostWith('--json');
    await runBench(refused.host, () => Promise.reject(invalidConfig('no database', 'set DATABASE_URL')));
    expect(refused.written).toEqual({ stdout: '', stderr: 'no database\nhint: set DATABASE_URL\n' });
    expect(refused.code()).toBe(104);
    const unknown = hostWith('--rounds');
    await runBench(unknown.host, () => [row]);
    expect(unknown.written.stdout).toBe('');
    expect(unknown.code()).toBe(104);
    const empty = hostWith('--json');
    await runBench(empty.host, () => []);
    expect(empty.code()).toBe(1);
  });

  it('refuses a figure that is none', async () => {
    const { host, written, code } = hostWith('--json');
    await runBench(host, () => [{ ...row, median: Number.NaN }]);
    expect(written.stdout).toBe('');
    expect(code()).toBe(1);
  });
});

describe('timeCalls', () => {
  it('calls in turns and gives CPU time a call', () => {
    const host = createTestHost();
    let cpuUs = 0;
    const counted: Host = { ...host, process: { ...host.process, cpuUs: () => cpuUs } };
    const order: string[] = [];
    const costs = timeCalls(counted, {
      dear: () => void (order.push('dear'), (cpuUs += 3)),
      cheap: () => void (order.push('cheap'), (cpuUs += 1)),
    }, { rounds: 2, callsPerRound: 2 });
    expect(costs).toEqual([
      { name: 'dear', medianNs: 3_000, lowNs: 3_000, highNs: 3_000 },
      { name: 'cheap', medianNs: 1_000, lowNs: 1_000, highNs: 1_000 },
    ]);
    expect(order.slice(0, 5)).toEqual(['dear', 'dear', 'cheap', 'cheap', 'dear']);
    expect(callRows('g', costs, { cheap: 'baseline' })[1]).toEqual(
      { group: 'g', name: 'cheap', unit: 'µs CPU/call', median: 1, low: 1, high: 1, note: 'baseline' });
  });
});

describe('the table', () => {
  it('names a group once and puts figures to the right', () => {
    const text = renderBench([row, { ...row, name: 'hot', median: 81.25, low: 80, high: 100 }, { ...row, group: 'log' }]);
    const lines = text.split('\n');
    expect(lines[0]).toMatch(/^GROUP +WHAT +MEDIAN +LOW +HIGH +SPREAD +UNIT +NOTE$/);
    expect(lines[1]).toBe('ledger  transfers   9,000  8,100  9,900    20 %  transfers/s  durable');
    expect(lines[2]).toBe('        hot          81.3   80.0    100    25 %  transfers/s  durable');
    expect(lines[3]).toMatch(/^log /);
    expect(text.endsWith('\n')).toBe(true);
  });

  it('shows limits where there are some, and what was not measured', () => {
    const lines = renderBench([
      { ...row, must: { atLeast: 9_000 } }, { ...row, must: { below: 9_000 } }, row,
      { group: 'ledger', name: 'k6', unit: 'times', must: { atMost: 0.28 }, unmeasured: 'k6 is not installed' },
    ]).split('\n');
    expect(lines[0]).toMatch(/ UNIT +LIMIT +NOTE$/);
    expect(lines[1]).toMatch(/transfers\/s +at least 9,000, met +durable$/);
    expect(lines[2]).toMatch(/transfers\/s +below 9,000, MISSED +durable$/);
    expect(lines[3]).toMatch(/transfers\/s +durable$/);
    expect(lines[4]).toMatch(/k6 +– +– +– +– +times +at most 0.280 +not measured: k6 is not installed$/);
  });

  it('writes figures with three digits that count', () => {
    expect([0.031_24, 8.04, 412.3, 24_310.4, 0, Number.NaN].map(formatFigure)).toEqual(['0.0312', '8.04', '412', '24,310', '0.00', '–']);
  });
});

describe('a limit', () => {
  it('is judged by the median; bounds belong to it, but for `below`', () => {
    const at = (median: number, must: BenchRow['must']): string => standingOf({ ...row, median, must });
    expect([at(1.5, { atMost: 1.5 }), at(1.51, { atMost: 1.5 }), at(10, { below: 10 }), at(9.99, { below: 10 })]).toEqual(['met', 'missed', 'missed', 'met']);
    expect([at(50_000, { atLeast: 50_000 }), at(49_999, { atLeast: 50_000 })]).toEqual(['met', 'missed']);
    expect([at(94, { atLeast: 95, atMost: 105 }), at(95, { atLeast: 95, atMost: 105 }), at(106, { atLeast: 95, atMost: 105 })]).toEqual(['missed', 'met', 'missed']);
    expect([at(Number.NaN, { atMost: 1 }), at(Number.NaN, { below: 1 }), at(1, undefined)]).toEqual(['missed', 'missed', 'free']);
  });

  it('that is missed or could not be judged is told with the figure, the limit and the reason', () => {
    const absent: BenchRow = { group: 'cost', name: 'sora / wrk', unit: 'times', must: { atMost: 1.5 }, unmeasured: 'wrk is not installed' };
    expect(complaintOf({ ...row, must: { atLeast: 10_000 } })).toBe('missed: ledger, transfers is 9,000 and must be at least 10,000 (transfers/s)');
    expect(complaintOf(absent)).toBe('not judged: cost, sora / wrk must be at most 1.50 (times): wrk is not installed');
    expect(standingOf(absent)).toBe('unmeasured');
    expect([complaintOf(row), complaintOf({ ...row, must: { atLeast: 9_000 } })]).toEqual([undefined, undefined]);
    expect(describeLimit({ atLeast: 1_615, atMost: 1_785 })).toBe('1,615 to 1,785');
  });
});
