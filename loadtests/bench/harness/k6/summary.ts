/** The part of k6's summary that the comparison needs. */
interface Summary {
  readonly metrics: Readonly<Record<string, { readonly values: Readonly<Record<string, number>> } | undefined>>;
}

/** Prints the count of requests, and of failed ones, as one line of JSON. */
export function counted({ metrics }: Summary): Record<string, string> {
  const requests = metrics['http_reqs']?.values['count'] ?? 0;
  const failed = (metrics['http_req_failed']?.values['rate'] ?? 0) * requests;
  return { stdout: `${JSON.stringify({ requests, failed })}\n` };
}
