import type { Host, Output } from '../../ops/core/host.ts';
import type { LiveView, PhaseName } from '../swarm/measurement.ts';
import { formatMs, formatNumber, formatPercent, phaseTitles } from './format.ts';
import { clockText } from './chart.ts';
import { cutVisible, styleFor } from './style.ts';
import type { Style } from './style.ts';

/** Shows a run while it runs. */
export interface LiveDisplay {
  update(view: LiveView): void;
  /** Prints a line without tearing the picture. */
  say(text: string): void;
  /** Leaves the last picture where it is. */
  end(): void;
}

/** On a stream that is no terminal: one plain line in so many seconds. */
const plainPeriodS = 5;
const barWidth = 28;

/**
 * On a terminal redraws in place on stderr; elsewhere prints one plain line per 5 s.
 * @param quiet shows nothing but what is said
 */
export function createLiveDisplay(host: Host, options: { quiet?: boolean; noColor?: boolean } = {}): LiveDisplay {
  const output = host.stderr;
  if (options.quiet === true) return { update: () => {}, say: (text) => output.write(`${text}\n`), end: () => {} };
  if (!output.isTty || host.process.env['TERM'] === 'dumb') return plainDisplay(output);
  return redrawnDisplay(output, styleFor(host, output, options.noColor));
}

function plainDisplay(output: Output): LiveDisplay {
  let printedS = 0;
  let phase: PhaseName | undefined;
  return {
    update(view) {
      const changed = view.phase !== phase;
      if (!changed && view.second - printedS < plainPeriodS) return;
      printedS = view.second;
      phase = view.phase;
      output.write(`${plainLine(view)}\n`);
    },
    say: (text) => output.write(`${text}\n`),
    end: () => {},
  };
}

/** `0:15 hold  users 10,000  990/s  failed 0 (0 %)  p50 21 ms  p95 118 ms  p99 208 ms`. */
export function plainLine(view: LiveView): string {
  return [
    `${clockText(view.second)} ${view.phase}`,
    `users ${formatNumber(view.users)}`,
    `${formatNumber(view.ratePerS)}/s`,
    `failed ${formatNumber(view.failed)} (${formatPercent(view.total === 0 ? 0 : view.failed / view.total)})`,
    `p50 ${formatMs(view.p50Ms)}`,
    `p95 ${formatMs(view.p95Ms)}`,
    `p99 ${formatMs(view.p99Ms)}`,
  ].join('  ');
}

function redrawnDisplay(output: Output, style: Style): LiveDisplay {
  let height = 0;
  let lines: string[] = [];
  let previous: LiveView | undefined;
  const clear = (): string => (height === 0 ? '' : `\u001b[${height}A\u001b[J`);
  const draw = (): void => {
    output.write(`${clear()}${lines.join('\n')}\n`);
    height = lines.length;
  };
  return {
    update(view) {
      lines = pictureOf(view, style, output.columns, previous);
      previous = view;
      draw();
    },
    say(text) {
      output.write(`${clear()}${text}\n`);
      height = 0;
      if (lines.length > 0) draw();
    },
    end() {
      height = 0;
      lines = [];
    },
  };
}

/**
 * The picture of one second, as lines no wider than the terminal.
 * @param previous the view before, from which the generator's CPU counts
 */
export function pictureOf(view: LiveView, style: Style, columns: number, previous?: LiveView): string[] {
  const lines = [
    '',
    phaseLine('ramp', view.elapsedMs / Math.max(1, view.rampMs), view.rampMs, view, style),
    phaseLine('hold', (view.elapsedMs - view.rampMs) / Math.max(1, view.holdMs), view.holdMs, view, style),
    '',
    `  ${label('users')}${pad(formatNumber(view.users))} of ${formatNumber(view.usersTotal)}`,
    `  ${label('rate')}${pad(`${formatNumber(view.ratePerS)}/s`)} ${style.dim(`${formatNumber(view.total)} operations`)}`,
    `  ${label('errors')}${errorText(view, style)}`,
    `  ${label('response')}p50 ${pad(formatMs(view.p50Ms))} p95 ${pad(formatMs(view.p95Ms))} p99 ${formatMs(view.p99Ms)}`,
    `  ${label('generator')}${generatorText(view, style, previous)}`,
  ];
  return lines.map((line) => cutVisible(line, Math.max(20, columns - 1)));
}

function phaseLine(phase: 'ramp' | 'hold', share: number, durationMs: number, view: LiveView, style: Style): string {
  const done = view.phase === 'drain' ? 1 : Math.min(1, Math.max(0, share));
  const filled = Math.round(done * barWidth);
  const bar = `${'█'.repeat(filled)}${style.dim('░'.repeat(barWidth - filled))}`;
  const elapsedS = Math.round((done * durationMs) / 1_000);
  const name = phaseTitles[phase].padEnd(11);
  return `  ${view.phase === phase ? style.bold(name) : name}${bar} ${clockText(elapsedS)} / ${clockText(durationMs / 1_000)}`;
}

function errorText(view: LiveView, style: Style): string {
  const ratio = formatPercent(view.total === 0 ? 0 : view.failed / view.total);
  const text = `${pad(formatNumber(view.failed))} ${ratio}`;
  return `${view.failed > 0 ? style.bad(text) : text}${style.dim(`, ${formatNumber(view.refused)} refused`)}`;
}

/** The share of a core that the busiest worker used since the view before; of the first view since its beginning. */
function busiestShare(view: LiveView, previous: LiveView | undefined): number {
  const spanUs = (view.elapsedMs - (previous?.elapsedMs ?? 0)) * 1_000;
  const before = new Map(previous?.workers.map(({ worker, cpuUs }) => [worker, cpuUs]));
  return spanUs <= 0 ? 0 : Math.max(0, ...view.workers.map(({ worker, cpuUs }) => (cpuUs - (before.get(worker) ?? 0)) / spanUs));
}

function generatorText(view: LiveView, style: Style, previous: LiveView | undefined): string {
  const share = busiestShare(view, previous);
  const delayMs = view.workers.reduce((most, worker) => Math.max(most, worker.loopDelayP99Ms), 0);
  return style.dim(`${countOf(view.workers.length, 'worker')}, busiest ${formatPercent(share)} of a core, loop delay p99 ${formatMs(delayMs)}`);
}

const countOf = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;
const label = (text: string): string => text.padEnd(11);
const pad = (text: string): string => text.padStart(9);
