/** The commands of a test script of Prometheus (promql/promqltest/README.md): `load`, `clear` and `eval`. */
import { messageOf, SoraError } from '../../core/error.ts';
import { parseEval, requireDurationMs } from './eval-command.ts';
import type { EvalCommand } from './eval-command.ts';
import { parseSeriesNotation } from './series-notation.ts';
import type { SeriesNotation } from './series-notation.ts';

export interface LoadCommand {
  readonly kind: 'load';
  readonly line: number;
  readonly intervalMs: number;
  /** Whether classic histograms are also loaded as native ones with custom buckets. */
  readonly isWithNative: boolean;
  readonly series: readonly SeriesNotation[];
}

export type Command = LoadCommand | EvalCommand | { readonly kind: 'clear'; readonly line: number }
  /** What is no command of the language; `isEval` where it was meant to be a case. */
  | { readonly kind: 'unreadable'; readonly line: number; readonly text: string; readonly reason: string; readonly isEval: boolean };

/** A script is no longer than this. */
export const scriptLinesMax = 100_000;

/**
 * Splits a script into its commands. A command that cannot be read becomes `unreadable`, and those after it are read.
 * @throws SoraError `bad_data` when it is longer than `scriptLinesMax`
 */
export function parseScript(text: string): Command[] {
  const lines = text.split('\n').map((line) => line.trim()).map((line) => (line.startsWith('#') ? '' : line));
  if (lines.length > scriptLinesMax) throw new SoraError('bad_data', `the script has ${lines.length} lines, the limit is ${scriptLinesMax}`, { hint: 'split it' });
  const commands: Command[] = [];
  for (let at = 0; at < lines.length;) {
    if (lines[at] === '') at += 1;
    else {
      const { command, next } = parseCommand(lines, at);
      commands.push(command);
      at = next;
    }
  }
  return commands;
}

function parseCommand(lines: readonly string[], at: number): { command: Command; next: number } {
  const head = lines[at] ?? '';
  const verb = (head.split(/[\t ]+/, 1)[0] ?? '').toLowerCase();
  if (verb === 'clear') return { command: { kind: 'clear', line: at + 1 }, next: at + 1 };
  const end = lines.indexOf('', at);
  const block = lines.slice(at, end < 0 ? lines.length : end);
  try {
    if (verb.startsWith('eval')) {
      const { command, lineCount } = parseEval(block, at + 1);
      return { command, next: at + lineCount };
    }
    if (verb.startsWith('load')) return { command: parseLoad(block, at + 1), next: at + block.length };
    throw new SoraError('bad_data', 'this is no command; commands are load, clear and eval');
  } catch (error) {
    const reason = error instanceof SoraError && error.hint !== undefined ? `${error.message} (${error.hint})` : messageOf(error);
    return { command: { kind: 'unreadable', line: at + 1, text: head, reason, isEval: verb.startsWith('eval') }, next: at + block.length };
  }
}

function parseLoad(block: readonly string[], line: number): LoadCommand {
  const head = /^load(?:_(with_nhcb))?\s+(.+?)$/.exec(block[0] ?? '');
  if (head === null) throw new SoraError('bad_data', 'load takes an interval: load 5m');
  // Lines such as `metric@st …` give start timestamps, an experiment that no query of a stable function sees.
  const series = block.slice(1).filter((text) => !/^[^\s]*@st\s/.test(text)).map((text) => parseSeriesNotation(text));
  return { kind: 'load', line, intervalMs: requireDurationMs(head[2] ?? ''), isWithNative: head[1] !== undefined, series };
}
