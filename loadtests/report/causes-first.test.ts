import { expect, it } from 'vitest';
import { causesFirst } from './causes-first.ts';
import { renderEnding } from './ending.ts';
import { renderReport } from './html.ts';
import { sampleFacts, sampleRun } from './sample.ts';
import { styleFor } from './style.ts';
import { createTestHost } from '../../ops/core/test-host.ts';
import { buildSummary } from './summary.ts';

const error = (kind: string, count: number): { kind: string; op: string; count: number; firstAtMs: number; firstMessage: string } => ({ kind, op: 'home', count, firstAtMs: 0, firstMessage: `${kind}!` });
const errors = [error('timeout', 3), error('unsent', 851), error('ENOTFOUND', 95)];

it('puts what failed before what could not be sent for it, in the terminal and in the report', () => {
  expect(causesFirst(errors).map(({ kind }) => kind)).toEqual(['ENOTFOUND', 'timeout', 'unsent']);
  const summary = buildSummary({ ...sampleRun(), errors }, sampleFacts());
  const host = createTestHost();
  for (const text of [renderEnding(summary, styleFor(host, host.stderr, true), 'r.html'), renderReport(summary)]) {
    expect(text.match(/(ENOTFOUND|timeout|unsent)!/g)?.slice(0, 3)).toEqual(['ENOTFOUND!', 'timeout!', 'unsent!']);
  }
});
