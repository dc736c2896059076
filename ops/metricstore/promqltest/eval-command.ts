import { SoraError } from '../../core/error.ts';
import { parseDurationMs, unquote } from '../promql/literals.ts';
import { parseSeriesNotation } from './series-notation.ts';
import type { SeriesNotation } from './series-notation.ts';

/** How a message must read: the whole of it, or a part by regular expression; undefined lets any pass. */
export type MessageCheck = { readonly kind: 'message'; readonly text: string } | { readonly kind: 'pattern'; readonly pattern: RegExp } | undefined;

/** What a script says of one kind of annotation. */
export interface AnnotationCheck {
  /** Each must be met by an annotation; where there is one, each annotation must meet one. */
  readonly expected: readonly MessageCheck[];
  /** At least one annotation, whatever it says (`eval_warn`). */
  readonly isRequired: boolean;
  readonly isForbidden: boolean;
}

/** When a query is evaluated. */
export type EvalTime =
  | { readonly kind: 'instant'; readonly atMs: number }
  | { readonly kind: 'range'; readonly startMs: number; readonly endMs: number; readonly stepMs: number };

/** The values that are expected; an expected series has its place among the lines. */
export type ExpectedResult =
  | { readonly kind: 'scalar'; readonly value: number }
  | { readonly kind: 'string'; readonly text: string }
  | { readonly kind: 'series'; readonly series: readonly (SeriesNotation & { readonly place: number })[] };

export interface EvalCommand {
  readonly kind: 'eval';
  readonly line: number;
  readonly expr: string;
  readonly time: EvalTime;
  /** Steps of the expected values: those of a range query, or of `expect range vector`. */
  readonly points: { readonly startMs: number; readonly endMs: number; readonly stepMs: number } | undefined;
  readonly isOrdered: boolean;
  readonly fail: { readonly checks: readonly MessageCheck[] } | undefined;
  readonly warn: AnnotationCheck;
  readonly info: AnnotationCheck;
  readonly result: ExpectedResult;
}

const instantForm = /^eval(?:_(fail|warn|ordered|info))?\s+instant\s+(?:at\s+(.+?))?\s+(.+)$/;
const rangeForm = /^eval(?:_(fail|warn|info))?\s+range\s+from\s+(.+)\s+to\s+(.+)\s+step\s+(.+?)\s+(.+)$/;
const rangeVectorForm = /^expect range vector\s+from\s+(.+)\s+to\s+(.+)\s+step\s+(.+)$/;
const expectForm = /^expect\s+(ordered|fail|warn|no_warn|info|no_info)(?:\s+(regex|msg):(.+))?$/;

/**
 * Reads an `eval` block from its first line on.
 * @returns the case, and how many lines belong to it: a number alone ends it
 * @throws SoraError `bad_data` that says what cannot be read
 */
export function parseEval(block: readonly string[], line: number): { command: EvalCommand; lineCount: number } {
  const { modifier, expr, time } = parseHead(block[0] ?? '');
  const read = new EvalReader(time, modifier);
  let lineCount = 1;
  while (lineCount < block.length && !read.isDone) {
    read.take(block[lineCount] ?? '');
    lineCount += 1;
  }
  return { command: read.finish(line, expr), lineCount };
}

function parseHead(head: string): { modifier: string | undefined; expr: string; time: EvalTime } {
  const instant = instantForm.exec(head);
  if (instant !== null) {
    const [, modifier, at = '', expr = ''] = instant;
    return { modifier, expr, time: { kind: 'instant', atMs: requireDurationMs(at) } };
  }
  const range = rangeForm.exec(head);
  if (range === null) throw malformed('eval takes "instant at TIME QUERY" or "range from TIME to TIME step STEP QUERY"');
  const [, modifier, from = '', to = '', step = '', expr = ''] = range;
  return { modifier, expr, time: { kind: 'range', ...parseSteps(from, to, step) } };
}

function parseSteps(from: string, to: string, step: string): { startMs: number; endMs: number; stepMs: number } {
  const [startMs, endMs, stepMs] = [requireDurationMs(from), requireDurationMs(to), requireDurationMs(step)];
  if (endMs < startMs) throw malformed(`the end ${to} is before the start ${from}`);
  return { startMs, endMs, stepMs };
}

/** Takes the lines below an `eval`. */
class EvalReader {
  /** A number or a message of failure ends a case. */
  isDone = false;
  #time: EvalTime;
  #points: EvalCommand['points'];
  #isOrdered: boolean;
  #fail: MessageCheck[] | undefined;
  readonly #isOldFail: boolean;
  readonly #checks = { warn: [] as MessageCheck[], info: [] as MessageCheck[] };
  readonly #forbidden = new Set<'warn' | 'info'>();
  readonly #modifier: string | undefined;
  #number: number | undefined;
  #text: string | undefined;
  readonly #series: (SeriesNotation & { place: number })[] = [];
  /** Counts lines that are no annotation, for the order of results. */
  #place = 0;

  constructor(time: EvalTime, modifier: string | undefined) {
    this.#time = time;
    this.#modifier = modifier;
    this.#points = time.kind === 'range' ? time : undefined;
    this.#isOrdered = modifier === 'ordered';
    this.#isOldFail = modifier === 'fail';
    this.#fail = this.#isOldFail ? [] : undefined;
  }

  take(line: string): void {
    if (this.#isOldFail && this.#takeOldFailure(line)) return;
    if (line.startsWith('expect range vector')) this.#takeRangeVector(line);
    else if (line.startsWith('expect string')) this.#takeString(line);
    else if (line.split(' ', 1)[0] === 'expect') this.#takeExpect(line);
    else this.#takeValues(line);
  }

  finish(line: number, expr: string): EvalCommand {
    const check = (kind: 'warn' | 'info'): AnnotationCheck => ({ expected: this.#checks[kind], isRequired: this.#modifier === kind, isForbidden: this.#forbidden.has(kind) });
    return {
      kind: 'eval', line, expr, time: this.#time, points: this.#points, isOrdered: this.#isOrdered,
      fail: this.#fail === undefined ? undefined : { checks: this.#fail }, warn: check('warn'), info: check('info'), result: this.#result(),
    };
  }

  #result(): ExpectedResult {
    if (this.#text !== undefined) return { kind: 'string', text: this.#text };
    return this.#number === undefined ? { kind: 'series', series: this.#series } : { kind: 'scalar', value: this.#number };
  }

  #takeOldFailure(line: string): boolean {
    const old = /^expected_fail_(message|regexp)(.*)$/.exec(line);
    if (old === null) return false;
    const text = (old[2] ?? '').trim();
    this.#fail?.push(old[1] === 'message' ? { kind: 'message', text } : { kind: 'pattern', pattern: compilePattern(text) });
    this.isDone = true;
    return true;
  }

  #takeRangeVector(line: string): void {
    const form = rangeVectorForm.exec(line);
    if (form === null) throw malformed(`"${line}" is not "expect range vector from TIME to TIME step STEP"`);
    this.#points = parseSteps(form[1] ?? '', form[2] ?? '', form[3] ?? '');
    this.#time = { kind: 'instant', atMs: this.#points.endMs };
    this.#place += 1;
  }

  #takeString(line: string): void {
    const literal = line.slice('expect string '.length);
    if (!/^(?:"[^]*"|`[^]*`)$/.test(literal)) throw malformed('expect string takes a quoted string');
    this.#text = unquote(literal);
    this.#place += 1;
  }

  #takeExpect(line: string): void {
    const form = expectForm.exec(line);
    if (form === null) throw malformed(`"${line}" is no expectation; write expect fail, ordered, warn, no_warn, info or no_info, and msg: or regex: after some`);
    const [, kind, by, text = ''] = form;
    const check: MessageCheck = by === undefined ? undefined : by === 'msg' ? { kind: 'message', text: text.trim() } : { kind: 'pattern', pattern: compilePattern(text.trim()) };
    if (kind === 'ordered') this.#isOrdered = true;
    else if (kind === 'fail') this.#fail = [...(this.#fail ?? []), check];
    else if (kind === 'warn' || kind === 'info') this.#checks[kind].push(check);
    else this.#forbidden.add(kind === 'no_warn' ? 'warn' : 'info');
  }

  #takeValues(line: string): void {
    this.#place += 1;
    const value = parseGoNumber(line);
    if (value !== undefined) {
      this.#number = value;
      this.isDone = true;
      return;
    }
    this.#number = undefined;
    const series = parseSeriesNotation(line);
    if (series.values.length > 1 && this.#points === undefined) throw malformed('an instant query takes one value a series, or "expect range vector"');
    this.#series.push({ ...series, place: this.#place });
  }
}

/** A whole line that is a number, by the rules of Go: `0x1f`, `0b11`, `017`, `1e3`, `Inf`. */
function parseGoNumber(line: string): number | undefined {
  const text = line.toLowerCase();
  const special = /^([+-]?)(inf|infinity|nan)$/.exec(text);
  if (special !== null) return special[2] === 'nan' ? Number.NaN : special[1] === '-' ? -Infinity : Infinity;
  const whole = /^([+-]?)(0x[\da-f]+|0b[01]+|0o?[0-7]+|[1-9]\d*|0)$/.exec(text.replaceAll('_', ''));
  if (whole !== null) {
    const digits = (whole[2] ?? '').replace(/^0(?=[0-7])/, '0o');
    return (whole[1] === '-' ? -1 : 1) * Number(digits);
  }
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/.test(text) ? Number(text) : undefined;
}

function compilePattern(text: string): RegExp {
  try {
    return new RegExp(text.replace(/^\(\?s\)/, ''), text.startsWith('(?s)') ? 's' : '');
  } catch {
    throw malformed(`"${text}" is no regular expression`);
  }
}

const malformed = (message: string): SoraError => new SoraError('bad_data', message);

/**
 * A duration of a script in ms: `1h30m`, `0`, `-5m`.
 * @throws SoraError `bad_data`
 */
export function requireDurationMs(text: string): number {
  if (text === '0') return 0;
  const durationMs = parseDurationMs(text.replace(/^-/, ''));
  if (durationMs === undefined) throw malformed(`"${text}" is no duration; write whole numbers with y, w, d, h, m, s or ms, largest first`);
  return text.startsWith('-') ? -durationMs : durationMs;
}
