import { Histogram } from '../swarm/histogram.ts';
import type { SparseHistogram } from '../swarm/measurement.ts';
import { openOutputFile } from './file.ts';
import type { Host } from '../../ops/core/host.ts';
import type { Sink } from './outbox.ts';
import { endOf } from './second.ts';
import type { OperationSecond, Second } from './second.ts';

/** Columns of the file, in order; times in ms, empty where nothing was measured. */
export const csvColumns = [
  'timestamp', 'second', 'phase', 'users', 'op', 'total', 'failed', 'refused', 'requests', 'requests_failed', 'bytes_sent', 'bytes_received',
  'response_p50_ms', 'response_p90_ms', 'response_p95_ms', 'response_p99_ms', 'response_max_ms', 'service_p50_ms', 'service_p95_ms', 'lateness_p99_ms',
] as const;

/** Writes one line a second and operation, after RFC 4180: CRLF, quotes where a cell needs them. */
export async function openCsv(host: Host, path: string): Promise<Sink> {
  const file = await openOutputFile(host, path);
  let header = csvLine(csvColumns);
  return {
    encode: (second) => {
      const lines = header + second.operations.map((operation) => csvLine(cellsOf(second, operation))).join('');
      header = '';
      return Buffer.from(lines);
    },
    deliver: (payload) => file.append(payload),
    release: () => file.close().catch(() => undefined),
  };
}

function cellsOf(second: Second, operation: OperationSecond): (string | number)[] {
  const response = quantileOf(operation.response);
  const service = quantileOf(operation.service);
  const lateness = quantileOf(operation.lateness);
  return [
    new Date(endOf(second)).toISOString(), second.second, second.phase, second.users, operation.op, operation.total, operation.failed, operation.refused,
    operation.requests, operation.requestsFailed, operation.bytesSent, operation.bytesReceived,
    response(0.5), response(0.9), response(0.95), response(0.99), response(1), service(0.5), service(0.95), lateness(0.99),
  ];
}

/** Answers quantiles of a second in ms; an empty cell where there is none. */
function quantileOf(sparse: SparseHistogram): (ratio: number) => number | string {
  if (sparse.length === 0) return () => '';
  const histogram = Histogram.fromSparse(sparse);
  return (ratio) => histogram.quantile(ratio) / 1_000;
}

/** One line; a cell with a comma, a quote or a line break stands in quotes, and its quotes are doubled. */
export function csvLine(cells: readonly (string | number)[]): string {
  const written = cells.map((cell) => {
    const text = String(cell);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  });
  return `${written.join(',')}\r\n`;
}
