import { z } from 'zod';
import { formatNumber } from '../report/format.ts';
import { status, table } from '../report/html-parts.ts';
import { markup } from '../report/markup.ts';
import type { Markup } from '../report/markup.ts';

/** How the outputs of a run ended, as summary.json says it. */
export const outputsSchema = z
  .array(
    z.object({
      kind: z.string(),
      target: z.string().describe('A file, or an address without its secrets.'),
      writtenSeconds: z.int().min(0),
      droppedSeconds: z.int().min(0).describe('Seconds that the output did not take in time.'),
      error: z.string().optional().describe('Why the last failed delivery failed.'),
    }),
  )
  .describe('Where each second of the run was sent besides this file.');

type Outputs = z.infer<typeof outputsSchema>;

/** One line an output, said after a run. */
export function outputLines(outputs: Outputs | undefined): string[] {
  return (outputs ?? []).map((output) => {
    const ending = output.droppedSeconds > 0 ? `, ${formatNumber(output.droppedSeconds)} dropped: ${output.error ?? 'it was too slow'}` : '';
    return `${signOf(output).icon} ${output.kind} to ${output.target}: ${formatNumber(output.writtenSeconds)} seconds written${ending}`;
  });
}

/** The outputs of a run in its report; nothing where there were none. */
export function outputSection(outputs: Outputs | undefined): Markup {
  if (outputs === undefined || outputs.length === 0) return markup``;
  return markup`<section><h2>Outputs</h2><div class="card">${table('Where each second of the run was sent besides this report. What an output could not take in time was dropped, not waited for.', [
    { title: 'Kind', cell: (row: Outputs[number]) => row.kind },
    { title: 'Target', cell: (row) => markup`<code>${row.target}</code>` },
    { title: 'Seconds written', number: true, cell: (row) => formatNumber(row.writtenSeconds) },
    { title: 'Seconds dropped', number: true, cell: (row) => formatNumber(row.droppedSeconds) },
    { title: 'Result', cell: (row) => markup`${status(signOf(row))}${row.error !== undefined && markup` <span class="note">${row.error}</span>`}` },
  ], outputs)}</div></section>`;
}

function signOf({ droppedSeconds }: Outputs[number]): { icon: string; word: string; tone: string } {
  return droppedSeconds > 0 ? { icon: '✗', word: 'incomplete', tone: 'fail' } : { icon: '✓', word: 'complete', tone: 'pass' };
}
