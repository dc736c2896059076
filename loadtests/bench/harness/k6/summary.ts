/** The part of k6's summary that the comparison needs. */
interface Summary {
  readonly metrics: Readonly<Record<string, { readonly values: Readonly<Record<string, number>> } | undefined>>;
}

/** Prints the count of requests, and of those that failed or whose reply a check refused, as one line of JSON. */
export function counted({ metrics }: Summary): Record<string, string> {
  const requests = metrics['http_reqs']?.values['count'] ?? 0;
  const refused = metrics['checks']?.values['fails'] ?? 0;
  const failed = Math.round((metrics['http_req_failed']?.values['rate'] ?? 0) * requests) + refused;
  return { stdout: `${JSON.stringify({ requests, failed })}\n` };
}
