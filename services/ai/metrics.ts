import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { metricNames } from '../../ops/telemetry/metric-names.ts';
import type { TokenCounts } from './provider.ts';

export interface AiMetrics {
  tokens(model: string, counts: TokenCounts): void;
  /** @param outcome `cancelled`: the client left amid a stream */
  call(model: string, outcome: 'ok' | 'blocked' | 'cancelled' | 'error', durationS: number): void;
  firstToken(model: string, durationS: number): void;
  moderationFailed(reason: 'timeout' | 'provider' | 'invalid'): void;
}

export interface AiMetricsOptions {
  /** Every model that is asked. */
  readonly models: readonly string[];
  /** Tokens a day that are paid for. */
  readonly tokensPerDay: number;
}

/** The domain's metrics under the platform's names; models come from the fixed catalogue, and all series exist from the start. */
export function createAiMetrics(registry: Registry, { models, tokensPerDay }: AiMetricsOptions): AiMetrics {
  const registers = [registry];
  const common = ({ name, help }: { name: string; help: string }) => ({ name, help, registers });
  const { aiTokens, aiTokenBudget, aiRequestDuration, aiFirstTokenDuration, moderationFailures } = metricNames;
  const tokens = new Counter({ ...common(aiTokens), labelNames: ['model', 'direction'] as const });
  const duration = new Histogram({ ...common(aiRequestDuration), labelNames: ['model', 'outcome'] as const, buckets: [...aiRequestDuration.buckets ?? []] });
  const firstToken = new Histogram({ ...common(aiFirstTokenDuration), labelNames: ['model'] as const, buckets: [...aiFirstTokenDuration.buckets ?? []] });
  const failures = new Counter({ ...common(moderationFailures), labelNames: ['reason'] as const });
  for (const model of models) {
    tokens.inc({ model, direction: 'input' }, 0);
    tokens.inc({ model, direction: 'output' }, 0);
    for (const outcome of ['ok', 'error'] as const) duration.zero({ model, outcome });
  }
  for (const reason of ['timeout', 'provider', 'invalid'] as const) failures.inc({ reason }, 0);
  new Gauge(common(aiTokenBudget)).set(tokensPerDay);
  return {
    tokens(model, counts) {
      tokens.inc({ model, direction: 'input' }, counts.prompt);
      tokens.inc({ model, direction: 'output' }, counts.completion);
    },
    call: (model, outcome, durationS) => duration.observe({ model, outcome }, durationS),
    firstToken: (model, durationS) => firstToken.observe({ model }, durationS),
    moderationFailed: (reason) => failures.inc({ reason }),
  };
}
