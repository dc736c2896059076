import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createTestHost } from '../../ops/core/test-host.ts';
import { sampleFacts, sampleRun } from '../report/sample.ts';
import { buildSummary } from '../report/summary.ts';
import { runHarness } from './harness-run.ts';
import { figuresOf } from './probe.ts';

it('says of a run that it stopped why it did, so that nobody looks for who interrupted it', { timeout: 30_000 }, async () => {
  const host = createTestHost();
  const { signal } = new AbortController();
  const ending = runHarness(host, { runId: 'stuck', home: join(tmpdir(), 'sora-no-such-home'), args: ['hello', '--target', 'http://127.0.0.1:1'], expectedMs: 60_000, signal });
  // A setup alone may take an hour.
  await host.advance(3_600_000);
  await host.advance(1_000_000);
  const end = await ending;
  expect(end).toMatchObject({ summary: undefined, overdue: expect.stringMatching(/^it took longer than .* to get ready and was stopped$/) as string });
  expect(figuresOf({ ratePerS: 10 }, end).reasons).toEqual([expect.stringContaining('before it measured: it took longer than')]);
  const interrupted = buildSummary(sampleRun({ interrupted: true }), sampleFacts());
  expect(figuresOf({ ratePerS: 10 }, { summary: interrupted, exitCode: 105, said: '', overdue: 'it took longer than 31m' })).toMatchObject({
    outcome: 'unclear', valid: false, perUser: 1, reasons: ['it took longer than 31m'],
  });
});
