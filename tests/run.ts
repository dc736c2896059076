/**
 * What `npm test` runs: types, lint, then every test, stopping at the first that fails. Arguments go
 * to Vitest, so `npm test -- ops/core` runs a part. Exit code 0 only when all of it passed.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { createNodeHost } from '../ops/core/node-host.ts';
import { formatDuration } from '../ops/core/duration.ts';

const host = createNodeHost();
const root = resolve(import.meta.dirname, '..');
const results = mkdtempSync(join(tmpdir(), 'sora-results-'));
const resultsFile = join(results, 'vitest.json');

interface Stage {
  readonly name: string;
  readonly args: readonly string[];
}

const stages: readonly Stage[] = [
  { name: 'types', args: ['node_modules/typescript/bin/tsc', '--noEmit'] },
  { name: 'lint', args: ['node_modules/oxlint/bin/oxlint', '--deny-warnings'] },
  {
    name: 'tests',
    args: ['node_modules/vitest/vitest.mjs', 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${resultsFile}`, ...host.process.argv],
  },
];

const resultsSchema = z.object({
  success: z.boolean(),
  numPassedTests: z.int(),
  numFailedTests: z.int(),
  numPendingTests: z.int(),
  numTodoTests: z.int(),
});

/** Counts from Vitest's own results; undefined when it did not get as far as writing them. */
function readResults(): z.infer<typeof resultsSchema> | undefined {
  if (!host.files.exists(resultsFile)) return undefined;
  return resultsSchema.safeParse(JSON.parse(readFileSync(resultsFile, 'utf8'))).data;
}

function run(): number {
  const lines: string[] = [];
  for (const stage of stages) {
    host.stderr.write(`\n== ${stage.name}\n`);
    const startMs = host.clock.monotonicMs();
    const ran = spawnSync(host.process.execPath, stage.args, { cwd: root, stdio: 'inherit' });
    const took = formatDuration(host.clock.monotonicMs() - startMs);
    const passed = ran.status === 0;
    lines.push(`${passed ? 'passed' : 'FAILED'}  ${stage.name} (${took})${ran.error === undefined ? '' : `: ${ran.error.message}`}`);
    if (!passed) break;
  }
  const counted = readResults();
  host.stdout.write(`\n${lines.join('\n')}\n`);
  const allRan = lines.length === stages.length && lines.every((line) => line.startsWith('passed'));
  if (counted !== undefined) {
    const skipped = counted.numPendingTests + counted.numTodoTests;
    host.stdout.write(`${counted.numPassedTests} passed, ${counted.numFailedTests} failed${skipped === 0 ? '' : `, ${skipped} skipped`}\n`);
  }
  return allRan && counted?.success === true ? 0 : 1;
}

try {
  host.process.setExitCode(run());
} finally {
  rmSync(results, { recursive: true, force: true });
}
