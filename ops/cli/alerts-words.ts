/** What the verbs of `sora alerts` share: words taken, and JSON written. */
import { exitCodes, invalidConfig } from '../core/error.ts';
import type { ExitCode } from '../core/error.ts';
import type { Context } from './command.ts';

export function json(context: Context, value: unknown): ExitCode {
  context.host.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
  return exitCodes.pass;
}

export function takeWord(words: readonly string[], verb: string, what: string): string {
  const [word, extra] = words;
  if (word === undefined || word === '') throw invalidConfig(`sora alerts ${verb} needs ${what}`, `sora alerts ${verb} --help shows how`);
  if (extra !== undefined) throw invalidConfig(`sora alerts ${verb} does not take "${extra}"`, `give one ${what.replace(/^an? /, '')}`);
  return word;
}

export function takeNoWords(words: readonly string[], verb: string): void {
  if (words.length > 0) throw invalidConfig(`sora alerts ${verb} does not take "${words[0]}"`, `sora alerts ${verb} --help shows what it takes`);
}
