import { alignColumns } from '../report/ending.ts';
import { formatMs, formatNumber, formatSeconds, verdictSigns } from '../report/format.ts';
import { markup } from '../report/markup.ts';
import type { Markup } from '../report/markup.ts';
import { spentLines } from '../report/resources-text.ts';
import { plainText } from '../report/style.ts';
import type { Style } from '../report/style.ts';
import type { Check, PartResult, SuiteResult } from './result-schema.ts';

/** Word and icon of a part's verdict. */
export const partSigns = { ...verdictSigns, 'not-run': { icon: '–', word: 'NOT RUN' } } as const;

const paintOf = (style: Style): Readonly<Record<PartResult['verdict'], (text: string) => string>> =>
  ({ pass: style.good, fail: style.bad, insufficient: style.unsure, 'not-run': style.unsure });

/** `✓ PASS  paid-chat  100,000 paid chat actions a minute`, and why not. */
export function partLine(part: PartResult, style: Style): string {
  const sign = partSigns[part.verdict];
  const why = part.reasons[0] === undefined ? '' : `\n      ${plainText(part.reasons[0])}`;
  return `  ${paintOf(style)[part.verdict](`${sign.icon} ${sign.word}`)}  ${part.name}  ${plainText(part.target)}${why}`;
}

/** One row a part, each check that is not met, and the verdict. */
export function renderSuite(result: SuiteResult, style: Style, path: string): string {
  const rows = result.parts.map((part) => [
    part.name, `${partSigns[part.verdict].icon} ${partSigns[part.verdict].word}`, part.kind, formatNumber(part.runs.reduce((sum, { achievedPerS }) => sum + achievedPerS, 0)),
    formatMs(worst(part)), formatSeconds(part.tookS),
  ]);
  const [first, ...rest] = alignColumns([['part', 'verdict', 'kind', 'done/s', 'p95', 'took'], ...rows]);
  const notes = result.parts.flatMap((part) => part.reasons.slice(0, reasonsShown).map((reason) => `  ${part.name}: ${plainText(reason)}`));
  const found = result.parts.flatMap((part) => part.checks.filter(({ name, ok }) => ok === true && isFinding.test(name)).map(({ text }) => `  ${part.name}: ${plainText(text)}`));
  return `${[
    `\n  ${style.bold(`Suite ${result.suite}`)}`, style.dim(`  ${first ?? ''}`), ...rest.map((line) => `  ${line}`),
    ...(found.length === 0 ? [] : [`\n  ${style.bold('Found')}`, ...found]),
    ...(notes.length === 0 ? [] : [`\n  ${style.bold('Why not')}`, ...notes]),
    ...(result.resources === undefined ? [] : [`\n  ${style.bold('Resources')}`, ...spentLines(result.resources).map((line) => `  ${plainText(line)}`)]),
    '', `  result  ${path}`, suiteLine(result, style),
  ].join('\n')}\n`;
}

const reasonsShown = 5;
/** What a part was run to find out, besides whether its runs passed. */
const isFinding = /: recovery$|^(goodput|capacity|scalability law|p95|memory of .*)$/;
const worst = ({ runs }: PartResult): number | null => {
  const known = runs.flatMap(({ p95Ms }) => p95Ms ?? []);
  return known.length === 0 ? null : Math.max(...known);
};

/** `1 part`, `3 parts`. */
export const partsText = (count: number): string => `${count} ${count === 1 ? 'part' : 'parts'}`;

/** The verdict in a line. */
export function suiteLine(result: SuiteResult, style: Style): string {
  const sign = verdictSigns[result.verdict];
  const counted = [...Map.groupBy(result.parts, ({ verdict }) => verdict)].map(([verdict, all]) => `${all.length} ${partSigns[verdict].word.toLowerCase()}`).join(', ');
  const why = result.reasons[0] === undefined ? '' : `: ${plainText(result.reasons[0])}`;
  return `  ${paintOf(style)[result.verdict](style.bold(`${sign.icon} ${sign.word}`))}  suite ${result.suite}, ${partsText(result.parts.length)} (${counted})${why}`;
}

/** The suite for CI: a test suite each part, a case each check. A part not run is skipped, one not proved an error. */
export function renderSuiteJunit(result: SuiteResult): string {
  const suites = result.parts.map((part) => ({ part, cases: casesOf(part) }));
  const count = (kind: Case['kind'], cases: readonly Case[]): number => cases.filter((one) => one.kind === kind).length;
  const totals = (cases: readonly Case[]): Markup => markup`tests="${cases.length}" failures="${count('failure', cases)}" errors="${count('error', cases)}" skipped="${count('skipped', cases)}"`;
  const timeS = Math.max(0, (Date.parse(result.endedAt) - Date.parse(result.startedAt)) / 1_000);
  return markup`<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="sora load suite ${result.suite}" tests="${suites.flatMap(({ cases }) => cases).length}" failures="${count('failure', suites.flatMap(({ cases }) => cases))}" errors="${count('error', suites.flatMap(({ cases }) => cases))}" time="${timeS}">
${suites.map(({ part, cases }) => markup`<testsuite name="${result.suite}.${part.name}" ${totals(cases)} time="${part.tookS}" timestamp="${result.startedAt}">
${cases.map((one) => renderCase(`${result.suite}.${part.name}`, one))}</testsuite>
`)}</testsuites>
`.text;
}

interface Case {
  readonly name: string;
  readonly kind: 'passed' | 'failure' | 'error' | 'skipped';
  readonly message: string;
}

function casesOf(part: PartResult): Case[] {
  const verdict: Case = { name: part.target, kind: kindOf(part.verdict), message: part.reasons.join('; ') };
  return [verdict, ...part.checks.map(({ name, ok, text }: Check): Case => ({ name, kind: ok === true ? 'passed' : ok === false ? 'failure' : 'error', message: text }))];
}

const kindOf = (verdict: PartResult['verdict']): Case['kind'] => (({ pass: 'passed', fail: 'failure', insufficient: 'error', 'not-run': 'skipped' }) as const)[verdict];

function renderCase(classname: string, { name, kind, message }: Case): Markup {
  if (kind === 'passed') return markup`<testcase classname="${classname}" name="${name}" time="0"/>\n`;
  const body = kind === 'failure' ? markup`<failure message="${message}" type="suite"/>` : kind === 'error' ? markup`<error message="${message}" type="suite"/>` : markup`<skipped message="${message}"/>`;
  return markup`<testcase classname="${classname}" name="${name}" time="0">${body}</testcase>\n`;
}
