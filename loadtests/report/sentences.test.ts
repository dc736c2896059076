import { describe, expect, it } from 'vitest';
import { sampleFacts, sampleRun } from './sample.ts';
import { modelSentence, verdictSentence } from './sentences.ts';
import { buildSummary } from './summary.ts';

describe('what a report says of how work came', () => {
  const summary = buildSummary(sampleRun(), sampleFacts());

  it('is users, paced by due times or by replies', () => {
    expect(modelSentence(summary)).toMatch(/^scheduled \(pace: due\)/);
    expect(modelSentence({ ...summary, pace: 'after-reply' })).toMatch(/^closed \(pace: after-reply\)/);
    expect(verdictSentence(summary)).toMatch(/^10,000 users with/);
  });

  it('is said of a pass in which most visits did not end', () => {
    expect(verdictSentence({ ...summary, verdict: 'pass', arrivalsCut: { cut: 60, begun: 65 } })).toContain('every threshold was met although 60 of 65 arrivals were cut short by the end');
    expect(verdictSentence({ ...summary, verdict: 'pass', arrivalsCut: { cut: 3, begun: 65 } })).not.toContain('although');
  });

  it('is said of a pass in which much failed', () => {
    expect(verdictSentence({ ...summary, verdict: 'pass', operations: { ...summary.operations, failedRatio: 0.496 } })).toContain('every threshold was met although 49.6 % of operations failed');
    expect(verdictSentence({ ...summary, verdict: 'pass' })).not.toContain('although');
  });

  it('is arrivals, with users at most', () => {
    const [worker] = sampleRun().workers;
    expect(buildSummary(sampleRun({ workers: [{ ...worker!, arrivalsQueued: 0 }] }), sampleFacts()).model).toBe('open');
    const arrived = { ...summary, arrivalsQueued: 0, arrival: 'sessions arrive at 10/s' };
    expect(modelSentence({ ...arrived, pace: 'after-reply' })).toMatch(/^partly open \(pace: after-reply\)/);
    expect(modelSentence({ ...arrived, pace: 'due' })).toMatch(/^open \(pace: due\)/);
    expect(verdictSentence(arrived)).toMatch(/^up to 10,000 users \(sessions arrive at 10\/s\) with/);
  });
});
