import { formatBytes, formatNumber } from './format.ts';
import { facts, table } from './html-parts.ts';
import { markup } from './markup.ts';
import type { Content, Markup } from './markup.ts';
import { expectedText, formatMoney, quantitiesText } from './resources-text.ts';
import type { Resources } from './resources.ts';

/** What the run used, by process, and what it cost. */
export function resourceSection(resources: Resources | undefined, scenario: string): Markup {
  if (resources === undefined) return markup``;
  const { used, perMillionOperations, money, systemMeasured } = resources;
  const pairs: (readonly [string, Content])[] = [
    ['CPU', `${formatNumber(used.cpuS)} s`],
    ['Memory', `${formatNumber(used.gbS)} GB·s`],
    ['Bytes', `${formatBytes(used.bytesSent)} sent, ${formatBytes(used.bytesReceived)} received`],
    ['A million operations', perMillionOperations === null ? 'none was done' : quantitiesText(perMillionOperations)],
    ['Expected before the run', expectedText(resources.expected, scenario)],
    ...(money === null ? [] : ([
      ['Cost of the system', `${formatMoney(money.total, money.currency)}: CPU ${formatMoney(money.cpu, money.currency)}, memory ${formatMoney(money.memory, money.currency)}, egress ${formatMoney(money.egress, money.currency)}`],
      ['Cost of a million operations', `${formatMoney(money.perMillionOperations, money.currency)} at the prices of ${money.asOf}`],
    ] as const)),
  ];
  return markup`<section><h2>Resources</h2><div class="card">${facts(pairs)}</div><div class="card" style="margin-top:16px">${table(
    `Over all phases, ${systemMeasured ? 'the generator and each process of the system' : 'the generator alone: the target is no stack of ours'}.`,
    [
      { title: 'Process', cell: (row: Resources['processes'][number]) => row.name },
      { title: 'CPU s', number: true, cell: (row) => formatNumber(row.cpuS) },
      { title: 'Memory GB·s', number: true, cell: (row) => formatNumber(row.gbS) },
    ],
    resources.processes,
  )}</div></section>`;
}
