/** One metric that a domain declares with `histogram`, `counter` or `gauge` of metrics.ts. */
export interface MetricSpec {
  readonly name: string;
  readonly help: string;
  /** Every value of a label comes from a set that the code knows. */
  readonly labels: readonly string[];
  /** Bounds in seconds, of a histogram. Default half a millisecond to 2.5 s. */
  readonly buckets?: readonly number[];
}

/** Seconds a provider takes; 2 s is the limit of the alert on AI. */
const provider = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 2.5, 5, 10, 30];
/** Seconds something waits in a queue or on a webhook. */
const waiting = [0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600];

const spec = (name: string, help: string, labels: readonly string[] = [], buckets?: readonly number[]): MetricSpec => ({
  name, help, labels, ...(buckets === undefined ? {} : { buckets }),
});

/** The metrics of money, AI and queues: one name and one meaning in every process, dashboard and alert. */
export const metricNames = {
  /** Counter. `direction`: input, output. */
  aiTokens: spec('ai_tokens_total', 'Tokens exchanged with AI models', ['model', 'direction']),
  /** Histogram. */
  aiRequestDuration: spec('ai_request_duration_seconds', 'Time of a call to an AI model, to its last token', ['model', 'outcome'], provider),
  /** Histogram. */
  aiFirstTokenDuration: spec('ai_first_token_duration_seconds', 'Time of a call to an AI model to its first token', ['model'], provider),
  /** Gauge. */
  aiTokenBudget: spec('ai_token_budget_tokens', 'Tokens a day, over all users and models, that are paid for'),
  /** Counter. `reason`: timeout, provider, invalid. */
  moderationFailures: spec('moderation_failures_total', 'Content moderations that gave no verdict', ['reason']),
  /** Counter. `kind`: chat, tip, gift, live, purchase; `reason`: insufficient, unknown_recipient, self_transfer, conflict, error. */
  walletFailures: spec('wallet_failures_total', 'Transfers that the wallet refused or failed', ['kind', 'reason']),
  /** Counter. `outcome`: succeeded, declined, failed. */
  payments: spec('payments_total', 'Payments by their final outcome', ['outcome']),
  /** Histogram. */
  paymentDelay: spec('payment_delay_seconds', 'Time from a payment intent to its tokens in the wallet', [], waiting),
  /** Counter. */
  creatorRevenue: spec('creator_revenue_tokens_total', 'Tokens credited to creators', ['kind']),
  /** Gauge. `outbox`: events not yet moved to their queue. */
  queueDepth: spec('queue_depth', 'Jobs waiting in a queue', ['queue']),
  /** Gauge. */
  queueAge: spec('queue_oldest_age_seconds', 'Age of the oldest job waiting in a queue', ['queue']),
  /** Gauge, under the name of the queue they failed in. */
  deadLetters: spec('queue_dead_letters', 'Jobs that failed every try and wait for a person', ['queue']),
} as const satisfies Readonly<Record<string, MetricSpec>>;
