import { describe, expect, it } from 'vitest';
import * as fc from 'fast-check';
import { niceTicks, stackLabels } from './chart.ts';
import { renderReport } from './html.ts';
import { renderJunit } from './junit.ts';
import { escapeText, markup } from './markup.ts';
import { sampleFacts, sampleRun } from './sample.ts';
import { buildSummary } from './summary.ts';
import type { Summary } from './summary-schema.ts';

const summary = buildSummary(sampleRun(), sampleFacts());
const hostile = `</script><script>alert(1)</script><img src=x onerror="alert(2)">'"&\u0000]]>`;

/** A summary in which every text that comes from elsewhere is an attack. */
function attacked(): Summary {
  const run = sampleRun({ scenario: hostile, target: hostile, runId: hostile });
  const attackedOps = run.operations.map((sample) => ({ ...sample, op: hostile }));
  const built = buildSummary(
    {
      ...run, operations: attackedOps,
      errors: run.errors.map((error) => ({ ...error, kind: hostile, op: hostile, firstMessage: hostile, firstStack: hostile, firstCorrelationId: hostile })),
      slowest: run.slowest.map((slow) => ({ ...slow, op: hostile, correlationId: hostile })),
      history: run.history.map((step) => ({ ...step, op: hostile, errorKind: hostile, requests: step.requests.map((request) => ({ ...request, path: hostile })) })),
    },
    sampleFacts({ description: hostile, note: hostile, host: hostile, processes: [{ name: hostile, cpuUsPerOperation: 1, rssMaxBytes: 1 }] }),
  );
  return { ...built, reasons: [hostile], verdict: 'fail', audit: { ...(built.audit as NonNullable<Summary['audit']>), incomplete: hostile, differences: [{ userId: 1, kind: hostile, writeId: hostile, finding: 'lost', rows: 0 }] } };
}

it('stacks labels so that none covers another in its row, and keeps each in order of its place', () => {
  const label = fc.record({ at: fc.double({ min: 0, max: 1_000, noNaN: true }), label: fc.string({ minLength: 1, maxLength: 14 }) });
  fc.assert(fc.property(fc.array(label, { maxLength: 6 }), (marks) => {
    const stacked = stackLabels(marks);
    expect(stacked).toHaveLength(marks.length);
    for (const [index, one] of stacked.entries()) {
      for (const other of stacked.slice(0, index).filter(({ row }) => row === one.row)) {
        expect(one.at - other.at).toBeGreaterThan(((one.label.length + other.label.length) / 2) * 6);
      }
    }
  }));
  expect(stackLabels([{ at: 100, label: 'p95 142 ms' }, { at: 130, label: 'p99 327 ms' }, { at: 400, label: 'p50' }]).map(({ row }) => row)).toEqual([0, 1, 0]);
});

describe('renderReport', () => {
  const html = renderReport(summary);

  it('follows the agreed order', () => {
    const headings = ['<h1>launch-mix', '>Thresholds<', '>This run<', '>Key figures<', '>Validity<', '>Over time<', '>Operations<', '>Errors<', '>Slowest operations<', 'Download the raw data'];
    const places = headings.map((heading) => html.indexOf(heading));
    expect(places.every((place) => place > 0)).toBe(true);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
  });

  it('opens offline: loads nothing and runs nothing', () => {
    expect(html).not.toMatch(/(src|href)="(?!data:)/);
    expect(html).not.toMatch(/<script|url\(|@import/);
    expect(html).toContain("default-src 'none'");
  });

  it('says the status in words beside the icon, and the think time beside the users', () => {
    expect(html).toContain('</span>PASS</div>');
    expect(html).toContain('</span>met</span>');
    expect(html).toContain('10,000, think time exponential, mean 10 s');
    expect(html).toContain('scheduled (pace: due)');
  });

  it('shows a threshold whole on a narrow screen: each cell names itself, and rows may wrap', () => {
    expect(html).toContain('<table class="stack"><caption>Judged over the hold');
    expect(html).toMatch(/<td data-title="Result"><span class="status pass">/);
    expect(html).toMatch(/@media\(max-width:640px\)\{[^@]*\.stack tr\{display:flex;flex-wrap:wrap/);
  });

  it('offers a look in the logs only for what is logged', () => {
    const withSlow = (count: number): Summary => ({ ...summary, slowest: summary.slowest.map((row, index) => ({ ...row, serviceMs: index < count ? 1_200 : 122, status: 200 })) });
    expect(renderReport(withSlow(0)).includes('sora logs')).toBe(false);
    expect(renderReport(withSlow(2)).includes('so that 2 of these may be found, until the next load run, with sora logs')).toBe(true);
  });

  it('counts refusals by the span they are of', () => {
    expect(html).toMatch(/in the hold, [\d,]+ refused there/);
    expect(html).toMatch(/Over all phases [\d,]+ operations failed/);
    const calm = { ...summary, errors: [], series: summary.series.map((point) => ({ ...point, failed: 0, refused: 1 })) };
    expect(renderReport(calm)).toContain(`No operation failed in any phase; ${calm.series.length} were refused as the scenario expects`);
  });

  it('puts a title, a sentence and a table behind every chart', () => {
    const charts = html.match(/<svg class="chart"/g)?.length;
    expect(charts).toBe(6);
    expect(html.match(/<desc id=/g)).toHaveLength(6);
    expect(html.match(/<summary>Show as table<\/summary><div class="scroll"><table><caption>/g)).toHaveLength(6);
    expect(html).not.toContain('NaN');
  });

  it('embeds the raw data as it is', () => {
    const embedded = /href="data:application\/json;base64,([^"]+)"/.exec(html)?.[1] ?? '';
    expect(JSON.parse(Buffer.from(embedded, 'base64').toString())).toEqual(summary);
  });

  it('escapes every text', () => {
    const text = renderReport(attacked());
    expect(text).not.toContain('<script');
    expect(text).not.toContain('<img');
    expect(text).not.toContain('\u0000');
    expect(text.match(/&lt;script&gt;alert\(1\)/g)?.length).toBeGreaterThan(20);
  });

  it('says where the list of one user’s steps was cut', () => {
    const step = sampleRun().history.slice(0, 1);
    const long = renderReport(buildSummary(sampleRun({ history: Array.from({ length: 1_000 }, () => step).flat() }), sampleFacts()));
    expect(long).toContain('The first 1,000 steps user 17 did');
    expect(long).toContain('no more are kept');
    expect(html).toContain('Everything user 17 did');
  });

  it('tells what is missing when the run ended at once', () => {
    const empty = buildSummary(sampleRun({ series: [], operations: [], errors: [], slowest: [], history: [], interrupted: true, phases: [] }), sampleFacts({ audit: null }));
    expect(empty.verdict).toBe('insufficient');
    const text = renderReport(empty);
    expect(text).toContain('nothing to draw');
    expect(text).not.toMatch(/NaN|undefined|Infinity/);
  });
});

describe('renderJunit', () => {
  it('has a case for the verdict, and one per threshold, audit and validity item', () => {
    const xml = renderJunit(summary);
    expect(xml.match(/<testcase /g)).toHaveLength(1 + summary.thresholds.length + 3 + summary.validity.length);
    expect(xml).toContain('failures="0" errors="0"');
  });
  it('names what failed', () => {
    const failing = buildSummary(sampleRun(), sampleFacts({ audit: { ...(summary.audit as NonNullable<Summary['audit']>), lost: 2, differences: [{ userId: 4, kind: 'message', writeId: 'abc', finding: 'lost', rows: 0 }] } }));
    const xml = renderJunit(failing);
    expect(xml).toContain('<failure message="2 lost: abc"');
    // The audit, the threshold on it, and the verdict.
    expect(xml).toContain('failures="3"');
  });
  it('escapes every text', () => {
    const xml = renderJunit(attacked());
    expect(xml).not.toContain('<script');
    expect(xml).not.toContain('\u0000');
  });
});

describe('markup', () => {
  it('leaves no character that could end a text or an attribute', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => {
      const escaped = escapeText(text);
      for (const character of ['<', '>', '"', "'", '\u0000', '\u0008']) expect(escaped).not.toContain(character);
      expect(markup`<p title="${text}">${[text, markup`<b>${text}</b>`]}</p>`.text.match(/[<>]/g)).toHaveLength(8);
    }));
  });
});

describe('niceTicks', () => {
  it('covers the highest value with few even steps', () => {
    fc.assert(fc.property(fc.double({ min: 1e-6, max: 1e12, noNaN: true }), (highest) => {
      const ticks = niceTicks(highest, 4);
      expect(ticks.at(-1)).toBeGreaterThanOrEqual(highest * 0.999_999);
      expect(ticks.length).toBeGreaterThanOrEqual(2);
      expect(ticks.length).toBeLessThanOrEqual(6);
    }));
  });
});
