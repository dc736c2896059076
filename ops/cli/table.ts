import type { Host } from '../core/host.ts';

/** Renders rows in columns two spaces apart; an absent value shows as `<none>`. */
export function renderTable(columns: readonly string[], rows: readonly (readonly (string | number | null)[])[]): string {
  const cells = [columns, ...rows.map((row) => row.map((cell) => (cell === null || cell === '' ? '<none>' : String(cell))))];
  const widths = columns.map((_, index) => Math.max(...cells.map((row) => row[index]?.length ?? 0)));
  return cells.map((row) => row.map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd((widths[index] ?? 0) + 2))).join('').trimEnd()).join('\n').concat('\n');
}

/** How long ago an ISO time was, in one unit: `45s`, `12m`, `3h`, `2d`. */
export function formatAge(host: Host, iso: string | null): string | null {
  if (iso === null) return null;
  const seconds = Math.max(0, Math.floor((host.clock.nowMs() - Date.parse(iso)) / 1_000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3_600)}h` : `${Math.floor(seconds / 86_400)}d`;
}
