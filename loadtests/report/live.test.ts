import { describe, expect, it } from 'vitest';
import { createTestHost } from '../../ops/core/test-host.ts';
import type { Host } from '../../ops/core/host.ts';
import type { LiveView } from '../swarm/measurement.ts';
import { renderEnding } from './ending.ts';
import { createLiveDisplay, pictureOf } from './live.ts';
import { sampleFacts, sampleRun } from './sample.ts';
import { cutVisible, plainText, styleFor } from './style.ts';
import { buildSummary } from './summary.ts';

const view = (second: number, change: Partial<LiveView> = {}): LiveView => ({
  second, elapsedMs: second * 1_000, phase: 'hold', rampMs: 10_000, holdMs: 60_000, users: 9_990, usersTotal: 10_000, ratePerS: 987.4, total: 30_000,
  failed: 3, refused: 60, p50Ms: 21, p95Ms: 118, p99Ms: null, workers: [], ...change,
});

/** A host whose stderr claims to be a terminal. */
function terminal(env: Record<string, string> = {}): { host: Host; text: () => string } {
  const base = createTestHost();
  let text = '';
  const stderr = { write: (part: string) => void (text += part), isTty: true, columns: 100 };
  return { host: { ...base, stderr, process: { ...base.process, env } }, text: () => text };
}

describe('off a terminal', () => {
  it('prints one plain line per 5 s and one at each change of phase', () => {
    const host = createTestHost();
    const display = createLiveDisplay(host);
    for (let second = 1; second <= 12; second += 1) display.update(view(second, { phase: second < 3 ? 'ramp' : 'hold' }));
    const lines = host.written.stderr.trim().split('\n');
    expect(lines.map((line) => line.slice(0, 9))).toEqual(['0:01 ramp', '0:03 hold', '0:08 hold']);
    expect(lines[1]).toBe('0:03 hold  users 9,990  987/s  failed 3 (0.01 %)  p50 21 ms  p95 118 ms  p99 –');
    expect(host.written.stderr).not.toContain('\u001b');
    expect(host.written.stdout).toBe('');
  });
  it('is silent when quiet, but says what matters', () => {
    const host = createTestHost();
    const display = createLiveDisplay(host, { quiet: true });
    display.update(view(1));
    display.say('stopping');
    expect(host.written.stderr).toBe('stopping\n');
  });
});

describe('on a terminal', () => {
  it('redraws in place', () => {
    const { host, text } = terminal();
    const display = createLiveDisplay(host);
    display.update(view(15));
    display.update(view(16));
    expect(text().split('\u001b[9A\u001b[J')).toHaveLength(2);
    display.say('stopping');
    expect(text()).toContain('\u001b[9A\u001b[Jstopping\n');
  });
  it('has no colour with NO_COLOR, even when empty, nor with TERM=dumb or the flag', () => {
    const coloured = (env: Record<string, string>, flag = false): boolean => {
      const { host } = terminal(env);
      return styleFor(host, host.stderr, flag).colour;
    };
    expect(coloured({})).toBe(true);
    expect(coloured({ NO_COLOR: '' })).toBe(false);
    expect(coloured({ TERM: 'dumb' })).toBe(false);
    expect(coloured({}, true)).toBe(false);
  });
  it('shows a bar per phase, rate, errors, percentiles and users', () => {
    const host = createTestHost();
    const picture = pictureOf(view(40), styleFor(host, host.stderr), 100).join('\n');
    expect(picture).toContain(`Ramp       ${'█'.repeat(28)} 0:10 / 0:10`);
    expect(picture).toContain(`Hold       ${'█'.repeat(14)}${'░'.repeat(14)} 0:30 / 1:00`);
    expect(picture).toMatch(/users +9,990 of 10,000/);
    expect(picture).toMatch(/p50 +21 ms p95 +118 ms p99 –/);
  });
});

describe('the generator’s line', () => {
  const worker = { worker: 0, pid: 1, cpuUs: 2_000_000, coreShareMax: 0, rssBytes: 1, rssAtStartBytes: 1, loopDelayP99Ms: 1, usersStarted: 1, usersActive: 1, unsent: 0, links: undefined };
  const lineOf = (now: LiveView, previous?: LiveView): string => pictureOf(now, styleFor(createTestHost(), createTestHost().stderr), 120, previous).at(-1) ?? '';
  it('tells the CPU of the second just past, long before a window of 5 s of the hold is full', () => {
    const before = view(20, { phase: 'ramp', workers: [worker] as unknown as LiveView['workers'] });
    const now = view(21, { phase: 'ramp', workers: [{ ...worker, cpuUs: 2_070_000 }] as unknown as LiveView['workers'] });
    expect(lineOf(now, before)).toContain('1 worker, busiest 7 % of a core');
    expect(lineOf(before)).toContain('1 worker, busiest 10 % of a core');
  });
});

describe('a narrow terminal', () => {
  it('cuts coloured lines by what is seen, and leaves no colour open', () => {
    const { host } = terminal();
    const coloured = styleFor(host, host.stderr);
    const plain = pictureOf(view(40), styleFor(host, host.stderr, true), 30);
    // oxlint-disable-next-line no-control-regex
    const seen = pictureOf(view(40), coloured, 30).map((line) => line.replaceAll(/\u001b\[[0-9;]*m/g, ''));
    expect(Math.max(...seen.map((line) => line.length))).toBe(29);
    expect(seen).toEqual(plain);
    expect(cutVisible(`a${coloured.bold('bcd')}e`, 3)).toBe(`a${coloured.bold('b…')}`);
    expect(cutVisible(`a${coloured.bold('bcd')}e`, 5)).toBe(`a${coloured.bold('bcd')}e`);
    expect(seen.filter((line) => line.length === 29).every((line) => line.endsWith('…'))).toBe(true);
  });
});

describe('the ending', () => {
  const host = createTestHost();
  const style = styleFor(host, host.stderr);
  it('starts with thresholds and ends with the verdict', () => {
    const lines = renderEnding(buildSummary(sampleRun(), sampleFacts()), style, '.sora/runs/x/report.html').trim().split('\n').map((line) => line.trim());
    expect(lines[0]).toBe('Thresholds');
    expect(lines[1]).toMatch(/^✓ response_time\{op:ai\}: p\(95\)<800 +317 ms$/);
    expect(lines).toContainEqual(expect.stringMatching(/^✓ response_time: p\(95\)<500 +142 ms$/));
    expect(lines.at(-2)).toBe('report  .sora/runs/x/report.html');
    expect(lines.at(-1)).toMatch(/^✓ PASS {2}10,000 users with a mean think time of 10 s did/);
  });
  it('ticks no count of an audit that did not end', () => {
    const { audit } = sampleFacts();
    if (audit === null) throw new Error('the sample has an audit');
    const text = renderEnding(buildSummary(sampleRun(), sampleFacts({ audit: { ...audit, incomplete: 'not run yet' } })), style, 'r');
    expect(text).toContain('◌ 0 of 21,406 acknowledged writes lost');
    expect(text).not.toMatch(/✓ 0 duplicated/);
  });
  it('takes control characters out of what others wrote', () => {
    const run = sampleRun();
    const nasty = { ...run, errors: run.errors.map((error) => ({ ...error, firstMessage: '\u001b[2Jgone\nnew line' })) };
    expect(renderEnding(buildSummary(nasty, sampleFacts()), style, 'r')).not.toContain('\u001b');
    expect(plainText('a\u001b\n\u009bb')).toBe('a b');
  });
});
