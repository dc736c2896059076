import { messageOf } from '../../core/error.ts';
import { queryInstant, queryRange } from '../promql/query.ts';
import type { QueryResult, QueryValue } from '../promql/query.ts';
import type { SampleSource } from '../series.ts';
import { compareAnnotations, compareValue, meets, renderCheck } from './compare.ts';
import type { EvalCommand } from './eval-command.ts';
import { reasonNotApplicable } from './not-applicable.ts';
import type { Reason } from './not-applicable.ts';
import { pinnedQueries } from './pinned-times.ts';
import type { PinnedQuery } from './pinned-times.ts';
import { readsNative } from './reads-native.ts';
import { parseScript } from './script.ts';
import { ScriptSeries } from './script-series.ts';

/** What became of one `eval`. */
export type ScriptResult = { readonly line: number; readonly expr: string } & (
  | { readonly outcome: 'passed' }
  | { readonly outcome: 'skipped'; readonly reason: Reason }
  | { readonly outcome: 'failed'; readonly expected: string; readonly found: string });

const minuteMs = 60_000;
/** Prometheus runs its scripts with this on, and they say so by what they expect. */
const options = { isNameRemovalDelayed: true, release: 'newer' } as const;
/** Queries whose meaning is that of the query's own span. */
const contextFunctions = /(?:start|end|range|step)\(\)/;

/**
 * Runs a script of Prometheus' test language and tells of each `eval`. As in Prometheus, an instant case is asked again
 * as a range query around its time, and with `@` pinned to it at other times. What cannot be read counts as failed.
 */
export async function runScript(text: string): Promise<ScriptResult[]> {
  const series = new ScriptSeries();
  const results: ScriptResult[] = [];
  for (const command of parseScript(text)) {
    if (command.kind === 'load') series.load(command);
    else if (command.kind === 'clear') series.clear();
    else if (command.kind === 'unreadable') results.push({ outcome: 'failed', line: command.line, expr: command.text, expected: 'a command of the test language', found: command.reason });
    else results.push(await runCase(series, command));
  }
  return results;
}

async function runCase(series: ScriptSeries, command: EvalCommand): Promise<ScriptResult> {
  const { line, expr } = command;
  const source = series.floats;
  const found = command.time.kind === 'range' ? await runRange(source, command) : await runInstant(source, command, command.time.atMs);
  if (found === undefined) return { outcome: 'passed', line, expr };
  const reason = reasonNotApplicable(command, await readsNative(series, expr, command.time));
  return reason === undefined ? { outcome: 'failed', line, expr, expected: renderExpected(command), found } : { outcome: 'skipped', line, expr, reason };
}

type Answer = { readonly result: QueryResult } | { readonly failure: string };

async function answer(ask: Promise<QueryResult>): Promise<Answer> {
  try {
    return { result: await ask };
  } catch (error) {
    return { failure: messageOf(error) };
  }
}

/** What is wrong with an answer; undefined when nothing is. */
function judge(command: EvalCommand, found: Answer): string | undefined {
  if ('failure' in found) {
    if (command.fail === undefined) return `error: ${found.failure}`;
    const unmet = command.fail.checks.find((check) => !meets(check, found.failure));
    return unmet === undefined ? undefined : `error: ${found.failure}`;
  }
  if (command.fail !== undefined) return 'no error';
  return compareAnnotations(command, found.result) ?? compareValue(command, found.result.value);
}

async function runRange(source: SampleSource, command: EvalCommand): Promise<string | undefined> {
  if (command.time.kind !== 'range') return undefined;
  const { startMs, endMs, stepMs } = command.time;
  return judge(command, await answer(queryRange(source, command.expr, { startMs, endMs, stepMs }, options)));
}

async function runInstant(source: SampleSource, command: EvalCommand, atMs: number): Promise<string | undefined> {
  const queries: PinnedQuery[] = [{ expr: command.expr, atMs }];
  try {
    queries.push(...pinnedQueries(command.expr, atMs));
  } catch {
    // It does not parse, which the query itself will say.
  }
  for (const query of queries) {
    const found = await answer(queryInstant(source, query.expr, query.atMs, options));
    const wrong = judge(command, found) ?? ('result' in found ? await judgeAsRange(source, command, query, found.result) : undefined);
    if (wrong !== undefined) return query.expr === command.expr && query.atMs === atMs ? wrong : `${wrong} (for ${query.expr} at ${query.atMs} ms)`;
  }
  return undefined;
}

/** Asks an instant case as a range query, whose middle step must give the same. */
async function judgeAsRange(source: SampleSource, command: EvalCommand, { expr, atMs }: PinnedQuery, { value }: QueryResult): Promise<string | undefined> {
  if (command.isOrdered || command.result.kind === 'string' || command.points !== undefined || contextFunctions.test(expr)) return undefined;
  const found = await answer(queryRange(source, expr, { startMs: atMs - minuteMs, endMs: atMs + minuteMs, stepMs: minuteMs }, options));
  if ('failure' in found) return `as range query error: ${found.failure}`;
  const wrong = compareValue(command, sliceOf(found.result.value, atMs, value.type));
  return wrong === undefined ? undefined : `as range query ${wrong}`;
}

/** The values of a matrix at one time, as the vector or scalar that an instant query gives. */
function sliceOf(value: QueryValue, atMs: number, type: QueryValue['type']): QueryValue {
  if (value.type !== 'matrix') return value;
  const samples = value.series.flatMap(({ labels, timestampsMs, values }) => {
    const index = timestampsMs.indexOf(atMs);
    return index < 0 ? [] : [{ labels, atMs, value: values[index] ?? Number.NaN }];
  });
  return type === 'scalar' ? { type, atMs, value: samples[0]?.value ?? Number.NaN } : { type: 'vector', samples };
}

function renderExpected({ fail, result }: EvalCommand): string {
  if (fail !== undefined) return `an error${fail.checks.map((check) => ` that reads ${renderCheck(check)}`).join('')}`;
  if (result.kind === 'scalar') return `scalar ${result.value}`;
  if (result.kind === 'string') return `string ${JSON.stringify(result.text)}`;
  return `${result.series.length} series`;
}
