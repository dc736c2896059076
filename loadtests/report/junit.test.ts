import { describe, expect, it } from 'vitest';
import { renderJunit } from './junit.ts';
import { sampleFacts, sampleRun } from './sample.ts';
import { verdictSentence } from './sentences.ts';
import { buildSummary } from './summary.ts';

const passed = buildSummary(sampleRun(), sampleFacts());
const summaryOf = (xml: string): string => /<testsuites [^>]*>/.exec(xml)?.[0] ?? '';

describe('renderJunit', () => {
  it('is green for a run that passed', () => {
    expect(passed.verdict).toBe('pass');
    expect(renderJunit(passed)).toContain('<testcase classname="launch-mix.verdict" name="the run passed" time="0"/>');
  });
  it('fails with a run that a threshold ended, though its last figures meet all thresholds', () => {
    const aborted = { ...passed, verdict: 'fail' as const, exitCode: 99, reasons: ['aborted: threshold response_time: p(95)<500: measured 900 ms', 'and more'] };
    const xml = renderJunit(aborted);
    expect(summaryOf(xml)).toContain('failures="1" errors="0"');
    expect(xml).toContain('<failure message="aborted: threshold response_time: p(95)&lt;500: measured 900 ms; and more" type="verdict"/>');
  });
  it('is an error with a run that passed and whose teardown failed, and the sentence says both', () => {
    const untidy = buildSummary({ ...sampleRun(), teardownFailed: 'teardown of shop threw: no such row' }, sampleFacts());
    expect([untidy.verdict, untidy.exitCode]).toEqual(['pass', 107]);
    expect(renderJunit(untidy)).toContain('<error message="teardown of shop threw: no such row" type="verdict"/>');
    expect(verdictSentence(untidy)).toMatch(/the measurement is valid, but teardown of shop threw: no such row\.$/);
  });
  it('is an error with a run that proves nothing, for whatever reason', () => {
    const apart = buildSummary(sampleRun(), sampleFacts({ doubts: ['the shares began 9 s apart'] }));
    expect(apart.verdict).toBe('insufficient');
    const xml = renderJunit(apart);
    expect(summaryOf(xml)).toContain('failures="0" errors="1"');
    expect(xml).toContain('<error message="the shares began 9 s apart" type="verdict"/>');
  });
});
