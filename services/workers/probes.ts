import type { Tracing } from '../../ops/telemetry/tracing.ts';
import { createApi, type Api } from '../api/create-api.ts';
import type { Platform } from '../platform/domain.ts';
import { unauthorized } from '../platform/problem.ts';

/** `/livez`, `/readyz` and `/metrics` of a process that serves no users: the api without domains. */
export function createProbes(platform: Platform, tracer: Tracing): Api {
  const tokens = {
    verify: (): never => {
      throw unauthorized('no_sessions', 'this process takes no access tokens');
    },
  };
  return createApi(platform, [], { tokens, tracer, hashUser: String });
}
