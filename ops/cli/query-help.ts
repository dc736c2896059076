/** What helps somebody whose expression is wrong or finds nothing. */
import { closest, distance } from 'fastest-levenshtein';
import { z } from 'zod';
import type { ControlClient } from '../control/client.ts';
import { SoraError, invalidConfig } from '../core/error.ts';
import { selectorsOf } from '../metricstore/promql/expr.ts';
import { parsePromql } from '../metricstore/promql/parse.ts';

const placed = /^invalid parameter "query": (\d+):(\d+): (?:parse error: )?(.*)$/s;

/** The control plane's word on an expression with the place marked below it; any other error as it is. */
export function atItsPlace(error: unknown, text: string): unknown {
  const found = error instanceof SoraError ? placed.exec(error.message) : null;
  if (found === null) return error;
  const [line, column] = [Number(found[1]), Number(found[2])];
  const shown = text.split('\n')[line - 1] ?? '';
  return invalidConfig(`the expression is wrong at line ${line}, column ${column}: ${found[3]}\n  ${shown}\n  ${' '.repeat(Math.max(0, column - 1))}^`, undefined, error);
}

const namesReply = z.object({ data: z.array(z.string()) });

/** Why nothing answers, as the end of a sentence: metrics that do not exist, with the nearest that do. Empty where that cannot be told. */
export async function reasonFor(client: ControlClient, text: string): Promise<string> {
  const asked = namesOf(text);
  if (asked.length === 0) return '';
  const known = await client.get('/api/v1/label/__name__/values', namesReply).then(({ data }) => data, () => undefined);
  if (known === undefined) return '';
  const missing = asked.filter((name) => !known.includes(name));
  if (missing.length === 0) return ': the metrics are known, but no series of theirs matches then';
  return `: ${missing.map((name) => [`there is no metric ${name}`, nearestOf(name, known)].filter((part) => part !== undefined).join(', ')).join('; ')}`;
}

function namesOf(text: string): string[] {
  try {
    return [...new Set(selectorsOf(parsePromql(text)).flatMap(({ name }) => (name === '' ? [] : [name])))];
  } catch {
    return [];
  }
}

/** Names of metrics are long, and what differs is often a whole ending: a third of the letters may. */
function nearestOf(name: string, known: readonly string[]): string | undefined {
  if (known.length === 0) return undefined;
  const nearest = closest(name, known);
  return distance(name, nearest) <= name.length / 3 ? `did you mean ${nearest}?` : undefined;
}
