import { spawn } from 'node:child_process';
import type { BenchRow } from '../../ops/core/bench-row.ts';
import { benchRowsSchema } from '../../ops/core/bench-row.ts';
import { SoraError } from '../../ops/core/error.ts';
import type { Host } from '../../ops/core/host.ts';

export interface RunFileOptions {
  readonly quick: boolean;
  /** Ends the bench file and all it started. */
  readonly stopped: AbortSignal;
  /** Longer than any bench takes; then it is ended. Default 120,000 ms. */
  readonly timeoutMs?: number;
}

/** Rows are some hundred bytes each: more than this is not a table. */
const outputMaxBytes = 1_048_576;
/** From the request to end until the kill. */
const graceMs = 5_000;

/**
 * Runs `node <file> --json`, passing its progress on, and reads its rows. It leads a process group of its own, so
 * that a Ctrl-C ends it from here, together with what it started.
 * @throws SoraError `bench_failed` when it ends with another code than 0, prints no rows or takes too long
 */
export async function runBenchFile(host: Host, file: string, { quick, stopped, timeoutMs = 120_000 }: RunFileOptions): Promise<BenchRow[]> {
  const child = spawn(host.process.execPath, [file, '--json', ...(quick ? ['--quick'] : [])], { detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
  const endGroup = (signal: NodeJS.Signals): void => {
    if (child.pid !== undefined) host.process.kill(-child.pid, signal);
  };
  let endedFor = '';
  const end = (reason: string): void => {
    endedFor = reason;
    endGroup('SIGTERM');
    host.timers.after(graceMs, () => endGroup('SIGKILL')).unref();
  };
  const onStop = (): void => end('it was stopped');
  stopped.addEventListener('abort', onStop, { once: true });
  const timer = host.timers.after(timeoutMs, () => end(`it took longer than ${timeoutMs / 1_000} s`));
  try {
    const { code, stdout } = await outcomeOf(child, () => end(`it printed more than ${outputMaxBytes} bytes`));
    if (endedFor !== '') throw new SoraError('bench_failed', endedFor);
    if (code !== 0) throw new SoraError('bench_failed', `${file} ended with ${code ?? 'a signal'}`);
    return readRows(file, stdout);
  } finally {
    timer.cancel();
    stopped.removeEventListener('abort', onStop);
  }
}

function outcomeOf(child: ReturnType<typeof spawn>, onTooMuch: () => void): Promise<{ code: number | null; stdout: string }> {
  return new Promise((settle, reject) => {
    let stdout = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      if (stdout.length > outputMaxBytes) {
        stdout = '';
        onTooMuch();
      }
    });
    child.once('error', reject);
    child.once('close', (code) => settle({ code, stdout }));
  });
}

function readRows(file: string, text: string): BenchRow[] {
  try {
    return benchRowsSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new SoraError('bench_failed', `${file} printed no rows: ${text.slice(0, 200)}`, { cause: error });
  }
}
