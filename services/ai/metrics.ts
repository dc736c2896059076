import { Counter, Histogram, type Registry } from 'prom-client';
import { metricNames } from '../../ops/telemetry/metric-names.ts';
import type { TokenCounts } from './provider.ts';

export interface AiMetrics {
  tokens(model: string, counts: TokenCounts): void;
  /** @param outcome `cancelled`: the client left amid a stream */
  call(model: string, outcome: 'ok' | 'blocked' | 'cancelled' | 'error', durationS: number): void;
  firstToken(model: string, durationS: number): void;
  moderationFailed(reason: 'timeout' | 'provider' | 'invalid'): void;
}

/** The domain's metrics under the platform's names; models come from the fixed catalogue. */
export function createAiMetrics(registry: Registry): AiMetrics {
  const registers = [registry];
  const common = ({ name, help }: { name: string; help: string }) => ({ name, help, registers });
  const { aiTokens, aiRequestDuration, aiFirstTokenDuration, moderationFailures } = metricNames;
  const tokens = new Counter({ ...common(aiTokens), labelNames: ['model', 'direction'] as const });
  const duration = new Histogram({ ...common(aiRequestDuration), labelNames: ['model', 'outcome'] as const, buckets: [...aiRequestDuration.buckets ?? []] });
  const firstToken = new Histogram({ ...common(aiFirstTokenDuration), labelNames: ['model'] as const, buckets: [...aiFirstTokenDuration.buckets ?? []] });
  const failures = new Counter({ ...common(moderationFailures), labelNames: ['reason'] as const });
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
