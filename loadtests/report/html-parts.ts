import { markup } from './markup.ts';
import type { Content, Markup } from './markup.ts';

/** A table's column: its heading and what stands in it. */
export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => Content;
  /** Right-aligned figures. */
  readonly number?: boolean;
}

/**
 * A table with a caption; its first column heads the rows.
 * @param look `stack` turns each row into lines on a narrow screen, so that nothing of it is beyond the edge
 */
export function table<Row>(caption: string, columns: readonly Column<Row>[], rows: readonly Row[], look: 'plain' | 'stack' = 'plain'): Markup {
  const css = (column: Column<Row>): Markup | false => column.number === true && markup` class="number"`;
  return markup`<div class="scroll"><table${look === 'stack' && markup` class="stack"`}><caption>${caption}</caption><thead><tr>${columns.map(
    (column) => markup`<th scope="col"${css(column)}>${column.title}</th>`,
  )}</tr></thead><tbody>${rows.map(
    (row) => markup`<tr>${columns.map((column, index) =>
      index === 0 ? markup`<th scope="row"${css(column)}>${column.cell(row)}</th>` : markup`<td${css(column)}${look === 'stack' && markup` data-title="${column.title}"`}>${column.cell(row)}</td>`,
    )}</tr>`,
  )}</tbody></table></div>`;
}

/** A status as icon, word and colour. */
export function status(sign: { icon: string; word: string; tone: string }): Markup {
  return markup`<span class="status ${sign.tone}"><span class="icon" aria-hidden="true">${sign.icon}</span>${sign.word}</span>`;
}

/** A key figure. */
export function tile(label: string, figure: string, aside: Content, tone = ''): Markup {
  return markup`<div class="tile ${tone}"><div class="label">${label}</div><div class="figure">${figure}</div><div class="aside">${aside}</div></div>`;
}

/** A chart under its heading, with its sentence and the table behind it. */
export function figure(title: string, summary: string, chart: Markup, behind: Markup): Markup {
  return markup`<figure class="card"><div class="head"><h3>${title}</h3><p>${summary}</p></div><div class="scroll">${chart}</div><details><summary>Show as table</summary>${behind}</details></figure>`;
}

/** Name and value pairs. */
export function facts(pairs: readonly (readonly [string, Content])[]): Markup {
  return markup`<dl>${pairs.map(([name, value]) => markup`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}
