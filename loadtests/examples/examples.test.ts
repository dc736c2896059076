import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { millionRows } from '../bench/harness/million-rows.ts';
import { summarySchema } from '../report/summary-schema.ts';

it('the run of a million users is one, passed, and is told as it was', () => {
  const folder = import.meta.dirname;
  const run = summarySchema.parse(JSON.parse(readFileSync(join(folder, 'million-users.json'), 'utf8')));
  expect(run).toMatchObject({ verdict: 'pass', users: 1_000_000, durationS: 600, usersCompletedRatio: 1, audit: { lost: 0, duplicated: 0, ledgerBalanced: true } });
  expect(millionRows([run]).find(({ name }) => name === 'achieved')).toMatchObject({ median: run.operations.achievedPerS });
  const told = readFileSync(join(folder, 'README.md'), 'utf8');
  for (const figure of [run.operations.total, run.audit?.acknowledgedWrites]) expect(told).toContain(figure?.toLocaleString('en-US'));
});
