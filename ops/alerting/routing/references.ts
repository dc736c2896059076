/**
 * What in a routing file names something that is not there. Read from the text as it stands, so that it is said beside
 * what is wrong in the form of a file, and not only once that is mended.
 */
import { entriesOf, itemsOf, textOf } from './yaml-text.ts';
import type { Problem, YamlValue } from './yaml-text.ts';

type Path = Problem['path'];

/** Names that stand twice or nowhere, and what the root must not have. */
export function referenceProblems(file: YamlValue | undefined): Problem[] {
  const parts = entriesOf(file);
  const names: Names = { receivers: namesIn(parts['receivers']), muted: namesIn(parts['mute_time_intervals']), timed: namesIn(parts['time_intervals']) };
  const { route } = parts;
  return [...namesTwice(names), ...(route === undefined ? [] : [...rootProblems(entriesOf(route)), ...routeProblems(names, entriesOf(route), ['route'])])];
}

/** By place; undefined where the entry has none. */
interface Names {
  readonly receivers: readonly (string | undefined)[];
  readonly muted: readonly (string | undefined)[];
  readonly timed: readonly (string | undefined)[];
}

function namesIn(list: YamlValue | undefined): (string | undefined)[] {
  return itemsOf(list).map((item) => textOf(entriesOf(item)['name']));
}

function namesTwice({ receivers, muted, timed }: Names): Problem[] {
  const twice = (names: Names['receivers'], list: string): Problem[] =>
    names.flatMap((name, index) => (name === undefined || names.indexOf(name) === index ? [] : [{ path: [list, index, 'name'], message: `${JSON.stringify(name)} is there twice` }]));
  const both = timed.flatMap((name, index) => (name !== undefined && muted.includes(name) ? [{ path: ['time_intervals', index, 'name'], message: `${JSON.stringify(name)} is in mute_time_intervals too` }] : []));
  return [...twice(receivers, 'receivers'), ...twice(muted, 'mute_time_intervals'), ...twice(timed, 'time_intervals'), ...both];
}

type Entries = ReturnType<typeof entriesOf>;

function rootProblems(route: Entries): Problem[] {
  const problems: Problem[] = [];
  if (route['receiver'] === undefined) problems.push({ path: ['route', 'receiver'], message: 'is missing: the root takes what no other route does' });
  for (const field of ['match', 'match_re', 'matchers', 'mute_time_intervals', 'active_time_intervals']) {
    const value = route[field];
    if (itemsOf(value).length + Object.keys(entriesOf(value)).length > 0) problems.push({ path: ['route', field], message: 'must not stand in the root, which takes every alert' });
  }
  if (/^(true|yes|on|y)$/i.test(textOf(route['continue']) ?? '')) problems.push({ path: ['route', 'continue'], message: 'must not stand in the root' });
  return problems;
}

function routeProblems(names: Names, route: Entries, path: Path): Problem[] {
  const problems: Problem[] = [];
  const receiver = textOf(route['receiver']);
  const receivers = names.receivers.filter((name) => name !== undefined);
  if (receiver !== undefined && !receivers.includes(receiver)) problems.push({ path: [...path, 'receiver'], message: `${JSON.stringify(receiver)} is not one of the receivers (${receivers.join(', ') || 'there are none'})` });
  const known = [...names.muted, ...names.timed];
  for (const field of ['mute_time_intervals', 'active_time_intervals']) {
    itemsOf(route[field]).forEach((item, index) => {
      const name = textOf(item);
      if (name !== undefined && !known.includes(name)) problems.push({ path: [...path, field, index], message: `${JSON.stringify(name)} is not one of time_intervals` });
    });
  }
  return [...problems, ...itemsOf(route['routes']).flatMap((child, index) => routeProblems(names, entriesOf(child), [...path, 'routes', index]))];
}
