/** The functions that templates may call: those of Go's text/template and those of Prometheus 3. */
import { isIP } from 'node:net';
import { SoraError } from '../../core/error.ts';
import { parsePromDuration } from '../rules/prom-duration.ts';
import { equalsAny, isLess } from './compare.ts';
import { matchString, replaceAll } from './go-regexp.ts';
import { humanize, humanize1024, humanizeDuration, humanizePercentage, timeOf, toFloat } from './humanize.ts';
import { indexInto, lengthOf, sliceOf } from './collections.ts';
import { sprint, sprintf, sprintln } from './printf.ts';
import { compareBytes, int, plain } from './value.ts';
import type { GoList, GoSample, GoValue } from './value.ts';

/** What functions know of the world. */
export interface TemplateWorld {
  /** The time of the evaluation. */
  readonly atMs: number;
  /** Where the rules' Prometheus is reached from outside; empty where nothing is known. */
  readonly externalUrl: string;
  /** Runs an instant query, of which a scalar is one sample without labels. */
  query(text: string): Promise<readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[]>;
}

export type ParameterType = 'any' | 'string' | 'sample' | 'list';

export interface TemplateFunction {
  readonly parameters: readonly ParameterType[];
  /** Type of any more arguments; undefined where there are none. */
  readonly rest?: ParameterType;
  call(args: readonly GoValue[], world: TemplateWorld): GoValue | Promise<GoValue>;
}

const anyOf = (call: TemplateFunction['call']): TemplateFunction => ({ parameters: ['any'], call });
const variadic = (call: TemplateFunction['call'], parameters: readonly ParameterType[] = []): TemplateFunction => ({ parameters, rest: 'any', call });
const ofTexts = (count: number, call: (texts: readonly string[], world: TemplateWorld) => GoValue): TemplateFunction => ({
  parameters: Array.from({ length: count }, () => 'string' as const),
  call: (args, world) => call(args as readonly string[], world),
});
const ofNumber = (write: (value: number) => string): TemplateFunction => anyOf(([value]) => write(toFloat(value ?? null)));
const text = (args: readonly GoValue[]): string => (args.length === 1 && typeof args[0] === 'string' ? args[0] : sprint(args));
const two = (compare: (a: GoValue, b: GoValue) => boolean): TemplateFunction => ({ parameters: ['any', 'any'], call: ([a, b]) => compare(a ?? null, b ?? null) });

const ofGo: Readonly<Record<string, TemplateFunction>> = {
  // `and` and `or` stop at the value that decides; see the executor, which calls these for nothing.
  and: variadic((args) => args.at(-1) ?? null, ['any']),
  or: variadic((args) => args.at(-1) ?? null, ['any']),
  not: anyOf(() => null),
  call: variadic(() => {
    throw new SoraError('bad_template', 'call of a value that is no function');
  }, ['any']),
  html: variadic((args) => escapeHtml(text(args))),
  js: variadic((args) => escapeJs(text(args))),
  urlquery: variadic((args) => escapeQuery(text(args))),
  index: variadic(([item, ...indexes]) => indexInto(item ?? null, indexes), ['any']),
  slice: variadic(([item, ...indexes]) => sliceOf(item ?? null, indexes), ['any']),
  len: anyOf(([item]) => int(lengthOf(item ?? null))),
  print: variadic(sprint),
  println: variadic(sprintln),
  printf: variadic(([format, ...args]) => sprintf(format as string, args), ['string']),
  eq: variadic(([first, ...others]) => equalsAny(first ?? null, others), ['any']),
  ne: two((a, b) => !equalsAny(a, [b])),
  lt: two(isLess),
  le: two((a, b) => isLess(a, b) || equalsAny(a, [b])),
  gt: two((a, b) => !(isLess(a, b) || equalsAny(a, [b]))),
  ge: two((a, b) => !isLess(a, b)),
};

const ofPrometheus: Readonly<Record<string, TemplateFunction>> = {
  query: { parameters: ['string'], call: async ([text], world) => listOf(await world.query(text as string)) },
  first: { parameters: ['list'], call: ([list]) => first(list as GoList) },
  label: { parameters: ['string', 'sample'], call: ([name, sample]) => (sample as GoSample).labels.entries.get(name as string) ?? '' },
  value: { parameters: ['sample'], call: ([sample]) => (sample as GoSample).value },
  strvalue: { parameters: ['sample'], call: ([sample]) => (sample as GoSample).labels.entries.get('__value__') ?? '' },
  sortByLabel: { parameters: ['string', 'list'], call: ([name, list]) => sortByLabel(name as string, list as GoList) },
  args: variadic((args) => ({ kind: 'map', of: 'any', entries: new Map(args.map((value, at) => [`arg${at}`, value])) })),
  reReplaceAll: ofTexts(3, ([pattern = '', replacement = '', subject = '']) => replaceAll(pattern, replacement, subject)),
  match: ofTexts(2, ([pattern = '', subject = '']) => matchString(pattern, subject)),
  safeHtml: ofTexts(1, ([html = '']) => html),
  title: ofTexts(1, ([subject = '']) => title(subject)),
  toUpper: ofTexts(1, ([subject = '']) => mapLetters(subject, upperOf)),
  toLower: ofTexts(1, ([subject = '']) => mapLetters(subject, (letter) => single(letter, letter.toLowerCase()))),
  graphLink: ofTexts(1, ([expression = '']) => `/graph?g0.expr=${escapeQuery(expression)}&g0.tab=0`),
  tableLink: ofTexts(1, ([expression = '']) => `/graph?g0.expr=${escapeQuery(expression)}&g0.tab=1`),
  stripPort: ofTexts(1, ([address = '']) => splitAddress(address)?.host ?? address),
  stripDomain: ofTexts(1, ([address = '']) => stripDomain(address)),
  humanize: ofNumber(humanize),
  humanize1024: ofNumber(humanize1024),
  humanizeDuration: ofNumber(humanizeDuration),
  humanizePercentage: ofNumber(humanizePercentage),
  humanizeTimestamp: ofNumber((value) => timestamp(value)),
  toTime: anyOf(([value]) => toTime(toFloat(value ?? null))),
  toDuration: anyOf(([value]) => ({ kind: 'duration', ns: Math.trunc(toFloat(value ?? null) * 1e9) })),
  now: { parameters: [], call: (_args, world) => world.atMs / 1_000 },
  parseDuration: ofTexts(1, ([duration = '']) => (duration.startsWith('-') ? -parsePromDuration(duration.slice(1)) : parsePromDuration(duration)) / 1_000),
  urlQueryEscape: ofTexts(1, ([subject = '']) => escapeQuery(subject)),
  pathPrefix: { parameters: [], call: (_args, world) => (world.externalUrl === '' ? '' : new URL(world.externalUrl).pathname.replace(/^\/$/, '')) },
  externalURL: { parameters: [], call: (_args, world) => world.externalUrl },
};

const all: ReadonlyMap<string, TemplateFunction> = new Map([...Object.entries(ofGo), ...Object.entries(ofPrometheus)]);

export function findFunction(name: string): TemplateFunction | undefined {
  return all.get(name);
}

export const functionNames: readonly string[] = [...all.keys()];

function listOf(samples: readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[]): GoList {
  return { kind: 'list', items: samples.map(({ labels, value }) => ({ kind: 'sample', value, labels: { kind: 'map', of: 'string', entries: new Map(Object.entries(labels)) } })) };
}

function first(list: GoList): GoSample {
  const [found] = list.items;
  if (found === undefined) throw new SoraError('bad_template', 'first() called on vector with no elements');
  return found;
}

function sortByLabel(name: string, list: GoList): GoList {
  const of = (sample: GoSample): string => plain(sample.labels.entries.get(name) ?? '');
  return { kind: 'list', items: list.items.toSorted((a, b) => compareBytes(of(a), of(b))) };
}

function timestamp(value: number): string {
  const atMs = timeOf(value);
  return atMs === undefined ? humanize(value) : plain({ kind: 'time', atMs });
}

function toTime(value: number): GoValue {
  const atMs = timeOf(value);
  if (atMs === undefined) throw new SoraError('bad_template', 'value is NaN or Inf');
  return { kind: 'time', atMs };
}

/** Go maps letter by letter: what would become two, as \u00df, stays. */
const single = (letter: string, mapped: string): string => (Array.from(mapped).length === 1 ? mapped : letter);
const upperOf = (letter: string): string => single(letter, letter.toUpperCase());
const mapLetters = (subject: string, map: (letter: string) => string): string => Array.from(subject, map).join('');

const words = new Intl.Segmenter('en', { granularity: 'word' });

/** The first letter of each word in upper case, the others as they are. */
function title(subject: string): string {
  return [...words.segment(subject)].map(({ segment }) => segment.replace(/\p{L}/u, upperOf)).join('');
}

const htmlEscapes: Readonly<Record<string, string>> = { '"': '&#34;', "'": '&#39;', '&': '&amp;', '<': '&lt;', '>': '&gt;', '\u0000': '\ufffd' };
const escapeHtml = (subject: string): string => Array.from(subject, (letter) => htmlEscapes[letter] ?? letter).join('');

function escapeJs(subject: string): string {
  return Array.from(subject, (letter) => {
    if (letter === '\\' || letter === "'" || letter === '"') return `\\${letter}`;
    const code = letter.codePointAt(0) ?? 0;
    if (code < 0x20 || '<>&='.includes(letter)) return `\\u${code.toString(16).toUpperCase().padStart(4, '0')}`;
    return letter;
  }).join('');
}

/** Go's `url.QueryEscape`: a space is a plus. */
export function escapeQuery(subject: string): string {
  return encodeURIComponent(subject.toWellFormed()).replace(/[!'()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`).replaceAll('%20', '+');
}

function splitAddress(address: string): { host: string; port: string } | undefined {
  const found = /^(?:\[([^[\]]*)\]|([^:[\]]*)):([^:[\]]*)$/.exec(address);
  return found === null ? undefined : { host: found[1] ?? found[2] ?? '', port: found[3] ?? '' };
}

function stripDomain(address: string): string {
  const split = splitAddress(address);
  const host = split?.host ?? address;
  if (isIP(host) !== 0) return address;
  const short = host.split('.')[0] ?? '';
  return split === undefined || split.port === '' ? short : `${short.includes(':') ? `[${short}]` : short}:${split.port}`;
}
