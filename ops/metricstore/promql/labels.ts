/** Keys by which label sets are grouped, matched and ordered. */
import { labelValue } from '../matchers.ts';
import type { Labels } from '../series.ts';
import { quote } from './literals.ts';

export const nameLabel = '__name__';

const fullKeys = new WeakMap<Labels, string>();
const namelessKeys = new WeakMap<Labels, string>();

/** Parts of a key are set apart by U+0001; where a part has one of its own it is escaped, so that no two sets share a key. */
// oxlint-disable-next-line no-control-regex
const escapePart = (part: string): string => (/[\x01\x02]/.test(part) ? part.replaceAll('\x02', '\x02b').replaceAll('\x01', '\x02a') : part);

function buildKey(labels: Labels, isKept: (name: string) => boolean): string {
  let key = '';
  for (const name of Object.keys(labels).sort()) {
    if (isKept(name)) key += `${escapePart(name)}\x01${escapePart(labelValue(labels, name))}\x01`;
  }
  return key;
}

function cached(cache: WeakMap<Labels, string>, labels: Labels, isKept: (name: string) => boolean): string {
  const known = cache.get(labels);
  if (known !== undefined) return known;
  const key = buildKey(labels, isKept);
  cache.set(labels, key);
  return key;
}

/** A key of all labels; the order of keys is the order of label sets. Kept as long as the object lives. */
export const labelsKey = (labels: Labels): string => cached(fullKeys, labels, () => true);

/** A key of all labels but the name. Kept as long as the object lives. */
export const namelessKey = (labels: Labels): string => cached(namelessKeys, labels, (name) => name !== nameLabel);

/** A key of all labels but the name and those given. */
export function keyWithout(labels: Labels, names: ReadonlySet<string>): string {
  return names.size === 0 ? namelessKey(labels) : buildKey(labels, (name) => name !== nameLabel && !names.has(name));
}

/** A key of the labels given, missing ones as empty. */
export function keyOf(labels: Labels, names: readonly string[]): string {
  const [only] = names;
  if (names.length === 1 && only !== undefined) return labelValue(labels, only);
  let key = '';
  for (const name of names) key += `${escapePart(labelValue(labels, name))}\x01`;
  return key;
}

/** The labels given, those that are missing left out. */
export function pickLabels(labels: Labels, names: readonly string[]): Labels {
  return Object.fromEntries(names.map((name) => [name, labelValue(labels, name)] as const).filter(([, value]) => value !== ''));
}

/** All labels but those given. */
export function omitLabels(labels: Labels, names: ReadonlySet<string>): Labels {
  return Object.fromEntries(Object.entries(labels).filter(([name]) => !names.has(name)));
}

const nameOnly: ReadonlySet<string> = new Set([nameLabel]);
/** All labels but the name; the same object where there is none. */
export const withoutName = (labels: Labels): Labels => (labelValue(labels, nameLabel) === '' ? labels : omitLabels(labels, nameOnly));

/** Labels with one set, or taken away where the value is empty. */
export function withLabel(labels: Labels, name: string, value: string): Labels {
  const { [name]: _, ...others } = labels;
  return value === '' ? others : { ...others, [name]: value };
}

/** Writes labels as Prometheus' messages do: `{a="b", c="d"}`, the name among them. */
export function formatLabels(labels: Labels): string {
  const pairs = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${pairs.map(([name, value]) => `${/^[a-zA-Z_]\w*$/.test(name) ? name : quote(name)}=${quote(value)}`).join(', ')}}`;
}
