import { join } from 'node:path';
import { runBench } from '../../../ops/core/bench-cli.ts';
import type { BenchOptions } from '../../../ops/core/bench-cli.ts';
import type { BenchRow } from '../../../ops/core/bench-row.ts';
import type { Host } from '../../../ops/core/host.ts';
import { createNodeHost } from '../../../ops/core/node-host.ts';
import { RunStore } from '../../runs/store.ts';
import { root } from './clients.ts';
import { millionRows } from './million-rows.ts';

/** The newest kept run of a million users, which takes longer than all other groups together and so is not made here. */
function benchMillion(host: Host, { say }: BenchOptions): BenchRow[] {
  const folder = join(host.process.env['SORA_HOME'] ?? join(root, '.sora'), 'runs');
  const rows = millionRows(new RunStore(host, folder).list().map(({ summary }) => summary));
  for (const row of rows) if ('unmeasured' in row) say(`${row.name}: ${row.unmeasured}`);
  return rows;
}

if (import.meta.main) await runBench(createNodeHost(), benchMillion);
