import pc from 'picocolors';
import type { Host, Output } from '../../ops/core/host.ts';

type Paint = (text: string) => string;

/** Colours of one stream; every one of them also stands beside a word or a sign. */
export interface Style {
  readonly colour: boolean;
  readonly bold: Paint;
  readonly dim: Paint;
  readonly good: Paint;
  readonly bad: Paint;
  readonly unsure: Paint;
}

/** Colour only on a terminal, without NO_COLOR (even empty), TERM=dumb or --no-color. */
export function styleFor(host: Host, output: Output, noColor = false): Style {
  const { env } = host.process;
  const colour = output.isTty && !noColor && env['NO_COLOR'] === undefined && env['TERM'] !== 'dumb';
  const paint = pc.createColors(colour);
  return { colour, bold: paint.bold, dim: paint.dim, good: paint.green, bad: paint.red, unsure: paint.magenta };
}

/** Terminals act on control characters, so text from elsewhere loses them. */
export function plainText(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ');
}

// oxlint-disable-next-line no-control-regex
const paintPattern = /(\u001b\[[0-9;]*m)/;

/** Cuts a line to so many visible characters, the last an ellipsis where something is missing; colour codes take no room, and none stays open. */
export function cutVisible(line: string, width: number): string {
  const seen = line.split(paintPattern).reduce((sum, part, index) => sum + (index % 2 === 1 ? 0 : part.length), 0);
  if (seen <= width) return line;
  let room = width - 1;
  let isMarked = false;
  const kept = line.split(paintPattern).map((part, index) => {
    // Every second part is a colour code; those behind the cut close what was opened.
    if (index % 2 === 1) return part;
    const shown = part.slice(0, room);
    room -= shown.length;
    if (shown.length === part.length || isMarked) return shown;
    isMarked = true;
    return `${shown}…`;
  });
  return kept.join('');
}
