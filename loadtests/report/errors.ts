import { neverEnded, throwPrefix, workerBlocked } from '../swarm/error-kinds.ts';
import type { ErrorGroup, RunMeasurement } from '../swarm/measurement.ts';
import { formatNumber } from './format.ts';

/** Why a run's own scenario, and not the system, is what it says something about; the decisive first, empty where it is not so. */
export function scenarioFaults(run: RunMeasurement): string[] {
  return [...blockedFaults(run), ...hangingFaults(run), ...throwFaults(run), ...idleFaults(run)];
}

function blockedFaults({ errors }: RunMeasurement): string[] {
  return errors.filter(({ kind }) => kind === workerBlocked).map(({ firstMessage }) => `scenario: ${firstMessage}`);
}

function hangingFaults({ errors }: RunMeasurement): string[] {
  return errors
    .filter(({ kind }) => kind === neverEnded)
    .map(({ op, count, firstMessage }) => `scenario: ${formatNumber(count)} of ${op} never ended: ${firstMessage}`);
}

/** Each operation ended by a throw, and none in any other way. */
function throwFaults({ errors, operations }: RunMeasurement): string[] {
  const total = operations.reduce((sum, sample) => sum + sample.total, 0);
  const names = new Set(operations.map(({ op }) => op));
  const ofOperations = errors.filter(({ op }) => names.has(op));
  const [first] = ofOperations.toSorted((a, b) => a.firstAtMs - b.firstAtMs);
  if (first === undefined || !ofOperations.every(isThrow) || sumOf(ofOperations) < total) return [];
  return [`scenario: all ${formatNumber(total)} operations ended with an error of the scenario's own, first ${first.kind.slice(throwPrefix.length)}: ${first.firstMessage}`];
}

const isThrow = ({ kind }: ErrorGroup): boolean => kind.startsWith(throwPrefix);
const sumOf = (groups: readonly ErrorGroup[]): number => groups.reduce((sum, { count }) => sum + count, 0);

/** Users ran their journeys, and not one operation came of it. */
function idleFaults({ errors, operations, workers, interrupted, aborted }: RunMeasurement): string[] {
  const began = workers.reduce((sum, { usersStarted }) => sum + usersStarted, 0);
  if (interrupted || aborted !== undefined || began === 0 || errors.length > 0 || operations.some(({ total }) => total > 0)) return [];
  return [`scenario: ${formatNumber(began)} users ran their journeys, and these made no request`];
}
