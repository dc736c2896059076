import type { Books } from './books.ts';

/** What the server counts. */
export interface ServerCounts {
  requests: number;
  injectedFailures: number;
}

/** The mock's series in the text format of Prometheus. */
export function renderMetrics(books: Books, counts: ServerCounts): string {
  const { delivered, retried, gaveUp, overflowed, dropped } = books.sender.counts;
  const events = Object.entries({ delivered, retried, gave_up: gaveUp, overflowed, dropped });
  return [
    '# HELP payments_mock_requests_total Requests answered',
    '# TYPE payments_mock_requests_total counter',
    `payments_mock_requests_total ${counts.requests}`,
    '# HELP payments_mock_injected_failures_total Charges answered 500 on demand',
    '# TYPE payments_mock_injected_failures_total counter',
    `payments_mock_injected_failures_total ${counts.injectedFailures}`,
    '# HELP payments_mock_events_total Events by what became of them',
    '# TYPE payments_mock_events_total counter',
    ...events.map(([outcome, count]) => `payments_mock_events_total{outcome="${outcome}"} ${count}`),
    '# HELP payments_mock_events_pending Events waiting, being posted or to be retried',
    '# TYPE payments_mock_events_pending gauge',
    `payments_mock_events_pending ${books.sender.pending}`,
    '# HELP payments_mock_payments Payments in the books',
    '# TYPE payments_mock_payments gauge',
    `payments_mock_payments ${books.processor.size}`,
    '',
  ].join('\n');
}
