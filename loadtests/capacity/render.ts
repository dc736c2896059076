import { alignColumns } from '../report/ending.ts';
import { formatMs, formatNumber, formatPercent, formatSeconds, verdictSigns } from '../report/format.ts';
import { spentLines } from '../report/resources-text.ts';
import { plainText } from '../report/style.ts';
import type { Style } from '../report/style.ts';
import type { CapacityProbe, CapacityResult } from './result-schema.ts';
import { capacitySentence, lawLines } from './sentences.ts';

/** Word and icon of what a probe showed. */
export const outcomeSigns = {
  met: { icon: '✓', word: 'met', tone: 'pass' },
  missed: { icon: '✗', word: 'missed', tone: 'fail' },
  unclear: { icon: '◌', word: 'unclear', tone: 'insufficient' },
} as const;

/** One line when a probe has ended. */
export function probeLine(probe: CapacityProbe, number: number, style: Style): string {
  const sign = outcomeSigns[probe.outcome];
  const paint = { pass: style.good, fail: style.bad, insufficient: style.unsure }[sign.tone];
  const why = probe.reasons[0] === undefined ? '' : `  ${plainText(probe.reasons[0])}`;
  return `  ${String(number).padStart(2)}  ${probe.purpose.padEnd(7)}  ${`${formatNumber(probe.ratePerS)}/s`.padStart(10)}  ${paint(`${sign.icon} ${sign.word}`)}  p95 ${formatMs(probe.p95Ms)}, ${formatPercent(probe.failedRatio)} failed${why}`;
}

/** The end of a search on the terminal. */
export function renderCapacity(result: CapacityResult, style: Style, pagePath: string): string {
  const head = ['probe', 'rate/s', 'users', 'think', 'done/s', 'failed', 'p95', 'concurrency', 'outcome'];
  const rows = result.probes.map((probe) => [
    probe.purpose, formatNumber(probe.ratePerS), formatNumber(probe.users), formatSeconds(probe.thinkTimeS), formatNumber(probe.achievedPerS), formatPercent(probe.failedRatio),
    formatMs(probe.p95Ms), formatNumber(probe.concurrency), `${outcomeSigns[probe.outcome].icon} ${outcomeSigns[probe.outcome].word}`,
  ]);
  const [first, ...rest] = alignColumns([head, ...rows]);
  return `${[
    `\n  ${style.bold('Probes')}`, style.dim(`  ${first ?? ''}`), ...rest.map((line) => `  ${line}`),
    `\n  ${style.bold('Scalability law')}`, ...lawLines(result.law).map((line) => `  ${line}`),
    ...(result.resources === undefined ? [] : [`\n  ${style.bold('Resources')}`, ...spentLines(result.resources).map((line) => `  ${plainText(line)}`)]),
    '', `  page    ${pagePath}`, capacityLine(result, style),
  ].join('\n')}\n`;
}

/** `✓ PASS  1,131 operations/s met every threshold …`. */
export function capacityLine(result: CapacityResult, style: Style): string {
  const sign = verdictSigns[result.verdict];
  const paint = { pass: style.good, fail: style.bad, insufficient: style.unsure }[result.verdict];
  return `  ${paint(style.bold(`${sign.icon} ${sign.word}`))}  ${plainText(capacitySentence(result))}`;
}
