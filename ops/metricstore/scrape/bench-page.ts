/** A page of metrics whose values move, for benches: what a process of a platform exposes, in these shares of its series. */

/** Digits of a value; shorter ones have blanks before them. */
const width = 15;
const bucketBounds = ['0.005', '0.01', '0.025', '0.05', '0.075', '0.1', '0.25', '0.5', '0.75', '1', '2.5', '5', '7.5', '10', '+Inf'];

/** How a series moves from one scrape to the next. */
type Motion = 'still' | 'counts' | 'sums' | 'level' | 'noise';

interface Series {
  readonly motion: Motion;
  /** Mean step of what counts. */
  readonly rate: number;
  readonly at: number;
  value: number;
}

export interface BenchPage {
  readonly bytes: Buffer;
  readonly series: number;
  /** Moves every value on by one scrape. */
  advance(): void;
}

/**
 * Histograms of 15 buckets, sum and count for two thirds of the series, half of them idle; then counters, levels of whole numbers,
 * and one series in 50 of full-precision noise.
 * @param seed of the values
 */
export function createBenchPage(series: number, seed: number): BenchPage {
  let state = seed * 2 + 1;
  const random = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
  const rows: Series[] = [];
  const lines: string[] = [];
  let at = 0;
  const add = (text: string, motion: Motion, rate: number): void => {
    if (rows.length >= series) return;
    const line = `${text} ${' '.repeat(width)}\n`;
    rows.push({ motion, rate, at: at + text.length + 1, value: motion === 'still' ? 0 : Math.round(random() * 1e6) });
    lines.push(line);
    at += line.length;
  };
  for (let index = 0; rows.length < series; index++) {
    const labels = `http_request_method="GET",http_route="/part/${index}/{id}",http_response_status_code="${index % 5 === 0 ? 500 : 200}",version="2026-11-21.4"`;
    const isIdle = index % 2 === 0;
    const rate = isIdle ? 0 : 1 + random() * 200;
    for (const [place, le] of bucketBounds.entries()) add(`http_server_request_duration_seconds_bucket{${labels},le="${le}"}`, isIdle ? 'still' : 'counts', (rate * (place + 1)) / bucketBounds.length);
    add(`http_server_request_duration_seconds_sum{${labels}}`, isIdle ? 'still' : 'sums', rate * 0.02);
    add(`http_server_request_duration_seconds_count{${labels}}`, isIdle ? 'still' : 'counts', rate);
    for (let extra = 0; extra < 4; extra++) add(`part_events_total{part="${index}",kind="${extra}",outcome="accepted",zone="a"}`, extra === 0 ? 'still' : 'counts', 20 * random());
    for (let extra = 0; extra < 4; extra++) add(`part_queue_depth{part="${index}",queue="${extra}",zone="a"}`, extra === 0 ? 'still' : 'level', 100);
    if (index % 2 === 1) add(`part_load_ratio{part="${index}",zone="a"}`, 'noise', 1);
  }
  const bytes = Buffer.from(lines.join(''), 'latin1');
  const advance = (): void => {
    for (const row of rows) {
      step(row, random);
      bytes.write(format(row).padStart(width), row.at, width, 'latin1');
    }
  };
  advance();
  return { bytes, series: rows.length, advance };
}

function step(row: Series, random: () => number): void {
  if (row.motion === 'counts') row.value += Math.round(row.rate * 2 * random());
  else if (row.motion === 'sums') row.value = (row.value % 1e6) + row.rate * 2 * random();
  else if (row.motion === 'level') row.value = Math.round(row.rate * random());
  else if (row.motion === 'noise') row.value = random();
}

function format({ motion, value }: Series): string {
  // 15 digits hold what a sum of seconds has; the noise is as fine.
  return motion === 'sums' || motion === 'noise' ? String(value).slice(0, width) : String(value);
}
