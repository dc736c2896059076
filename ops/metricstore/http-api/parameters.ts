/** Reads the parameters of Prometheus' HTTP API, with its errors word for word. */
import { SoraError, messageOf } from '../../core/error.ts';
import { compileMatcher } from '../matchers.ts';
import type { Expr } from '../promql/expr.ts';
import { parseDurationMs } from '../promql/literals.ts';
import { parsePromql } from '../promql/parse.ts';
import type { Matcher, TimeSpan } from '../series.ts';

/** Where no end of a span is given. */
const everMs = 8_640_000_000_000_000;
const number = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const rfc3339 = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-]\d{2}:\d{2})$/;
/** Durations are nanoseconds in 64 bits there. */
const durationMaxMs = 9_223_372_036_854;

export function badData(message: string): SoraError {
  return new SoraError('bad_data', message, { status: 400 });
}

export function invalidParameter(name: string, reason: string): SoraError {
  return badData(`invalid parameter ${quote(name)}: ${reason}`);
}

/** Milliseconds of a Unix time in seconds or an RFC 3339 time. @throws SoraError `bad_data` */
export function parseTimeMs(text: string): number {
  if (number.test(text)) return Math.round(Number(text) * 1_000);
  const atMs = rfc3339.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(atMs)) throw badData(`cannot parse ${quote(text)} to a valid timestamp`);
  return atMs;
}

/** Milliseconds of a number of seconds or a duration such as `1h30m`. @throws SoraError `bad_data` */
export function parseStepMs(text: string): number {
  if (number.test(text)) {
    const durationMs = Number(text) * 1_000;
    if (Math.abs(durationMs) > durationMaxMs) throw badData(`cannot parse ${quote(text)} to a valid duration. It overflows int64`);
    return durationMs;
  }
  const durationMs = text === '0' ? 0 : parseDurationMs(text);
  if (durationMs === undefined || durationMs > durationMaxMs) throw badData(`cannot parse ${quote(text)} to a valid duration`);
  return durationMs;
}

/** Those of the query string and of a form's body; the body comes first, as in Go. */
export class Parameters {
  readonly #form: URLSearchParams;

  constructor(query: string, body: string) {
    this.#form = new URLSearchParams(`${body}&${query}`);
  }

  /** The first value; empty where there is none. */
  text(name: string): string {
    return this.#form.get(name) ?? '';
  }

  /** All of them, behind a question mark; empty where there is none. */
  search(): string {
    const text = this.#form.toString();
    return text === '' ? '' : `?${text}`;
  }

  list(name: string): readonly string[] {
    return this.#form.getAll(name);
  }

  /** @throws SoraError `bad_data` naming the parameter */
  timeMs(name: string): number {
    return attempt(name, () => parseTimeMs(this.text(name)));
  }

  timeMsOr(name: string, otherwiseMs: number): number {
    const text = this.text(name);
    if (text === '') return otherwiseMs;
    return attempt(name, () => parseTimeMs(text), `invalid time value for '${name}': `);
  }

  durationMs(name: string): number {
    return attempt(name, () => parseStepMs(this.text(name)));
  }

  /** 0 for none. */
  limit(): number {
    const text = this.text('limit');
    if (text === '') return 0;
    if (!/^[+-]?\d{1,18}$/.test(text)) throw invalidParameter('limit', `strconv.Atoi: parsing ${quote(text)}: invalid syntax`);
    if (Number(text) < 0) throw invalidParameter('limit', 'limit must be non-negative');
    return Number(text);
  }

  /** All time where nothing is said. */
  span(): TimeSpan {
    return { fromMs: this.timeMsOr('start', -everMs), toMs: this.timeMsOr('end', everMs) };
  }

  /** Each of `match[]` as the matchers of a selector. @throws SoraError `bad_data` */
  selectors(): readonly (readonly Matcher[])[] {
    const lists = this.list('match[]').map(parseSelector);
    if (lists.some((matchers) => matchers.every((matcher) => compileMatcher(matcher)('')))) throw badData('match[] must contain at least one non-empty matcher');
    return lists;
  }

  /** @throws SoraError `bad_data` with the place of the mistake */
  query(): Expr {
    return attempt('query', () => parsePromql(this.text('query')));
  }
}

const emptySelector = 'vector selector must contain at least one non-empty matcher';

function parseSelector(text: string): readonly Matcher[] {
  let expr: Expr;
  try {
    expr = parsePromql(text);
  } catch (error) {
    // The parser says the same of any selector.
    throw messageOf(error).endsWith(emptySelector) ? badData('match[] must contain at least one non-empty matcher') : error;
  }
  if (expr.kind !== 'selector') throw badData(`1:1: parse error: ${quote(text)} is not a selector`);
  return expr.matchers;
}

function attempt<Value>(name: string, read: () => Value, prefix = ''): Value {
  try {
    return read();
  } catch (error) {
    throw invalidParameter(name, prefix + messageOf(error));
  }
}

/** As Go's %q for what a parameter may hold. */
export function quote(text: string): string {
  return JSON.stringify(text);
}
