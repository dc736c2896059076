import { redactText } from '../../ops/telemetry/redact-text.ts';
import type { ErrorGroup, HistoryStep, RunMeasurement } from '../swarm/measurement.ts';

/**
 * The measurement as it may be written to a file: what servers, scenarios and libraries wrote may hold a token or a
 * name, and whoever reads a report or gets a share gets none.
 */
export function withoutSecrets(run: RunMeasurement): RunMeasurement {
  const { teardownFailed } = run;
  return {
    ...run,
    errors: run.errors.map(cleanError),
    history: run.history.map(cleanStep),
    ...(teardownFailed === undefined ? {} : { teardownFailed: redactText(teardownFailed) }),
  };
}

function cleanError({ firstStack, ...error }: ErrorGroup): ErrorGroup {
  return {
    ...error,
    kind: redactText(error.kind),
    firstMessage: redactText(error.firstMessage),
    ...(firstStack === undefined ? {} : { firstStack: redactText(firstStack) }),
  };
}

function cleanStep({ errorKind, requests, ...step }: HistoryStep): HistoryStep {
  return {
    ...step,
    ...(errorKind === undefined ? {} : { errorKind: redactText(errorKind) }),
    requests: requests.map((request) => ({ ...request, path: redactText(request.path) })),
  };
}
