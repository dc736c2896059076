import { parseArgs } from 'node:util';
import { benchRowsSchema } from './bench-row.ts';
import type { BenchRow } from './bench-row.ts';
import { renderBench } from './bench-table.ts';
import { exitCodes, invalidConfig, messageOf, SoraError } from './error.ts';
import type { Host } from './host.ts';

export interface BenchOptions {
  /** Shorter and fewer rounds: shows that it works, not how fast. */
  readonly quick: boolean;
  /** One line of progress, on standard error. */
  readonly say: (line: string) => void;
}

/** Measures and answers its rows. */
export type Bench = (host: Host, options: BenchOptions) => Promise<BenchRow[]> | BenchRow[];

/**
 * The command line every bench file shares: `node x.bench.ts [--quick] [--json]`. Prints a table, or one JSON
 * array of rows, on standard output; progress goes to standard error. Sets the exit code; never throws.
 */
export async function runBench(host: Host, bench: Bench): Promise<void> {
  try {
    const { json, quick } = readFlags(host.process.argv);
    const rows = await bench(host, { quick, say: (line) => host.stderr.write(`${line}\n`) });
    host.stdout.write(json ? `${JSON.stringify(benchRowsSchema.parse(rows))}\n` : renderBench(rows));
  } catch (error) {
    const hint = error instanceof SoraError && error.hint !== undefined ? `\nhint: ${error.hint}` : '';
    host.stderr.write(`${messageOf(error)}${hint}\n`);
    host.process.setExitCode(error instanceof SoraError ? error.exitCode : exitCodes.generic);
  }
}

function readFlags(args: readonly string[]): { json: boolean; quick: boolean } {
  try {
    const { values } = parseArgs({ args: [...args], options: { json: { type: 'boolean' }, quick: { type: 'boolean' } }, strict: true });
    return { json: values.json ?? false, quick: values.quick ?? false };
  } catch (error) {
    throw invalidConfig(messageOf(error), 'a bench file takes --quick and --json', error);
  }
}
