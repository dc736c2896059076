import type { BenchRow } from './bench-row.ts';
import type { Host } from './host.ts';
import { spreadOf } from './statistics.ts';

/** CPU time of one call, which neighbours on the machine disturb less than wall time. */
export interface CallCost {
  readonly name: string;
  readonly medianNs: number;
  readonly lowNs: number;
  readonly highNs: number;
}

export interface CallRounds {
  /** Rounds that count, after one of warm-up. Default 7. */
  readonly rounds?: number;
  /** Default 100,000. */
  readonly callsPerRound?: number;
}

/** Rounds of `--quick`. */
export const quickRounds: CallRounds = { rounds: 3, callsPerRound: 20_000 };

/** Times each call in rounds, taken in turns; `call` is given the number of the call. */
export function timeCalls(host: Host, calls: Readonly<Record<string, (index: number) => void>>, options: CallRounds = {}): CallCost[] {
  const { rounds = 7, callsPerRound = 100_000 } = options;
  const timed = Object.entries(calls).map(([name, call]) => ({ name, call, roundsNs: [] as number[] }));
  for (let round = 0; round <= rounds; round++) {
    for (const { call, roundsNs } of timed) {
      const startUs = host.process.cpuUs();
      for (let index = 0; index < callsPerRound; index++) call(index);
      if (round > 0) roundsNs.push(((host.process.cpuUs() - startUs) * 1e3) / callsPerRound);
    }
  }
  return timed.map(({ name, roundsNs }) => {
    const { median, low, high } = spreadOf(roundsNs);
    return { name, medianNs: median, lowNs: low, highNs: high };
  });
}

/** The costs as rows of the table, in microseconds. */
export function callRows(group: string, costs: readonly CallCost[], notes: Readonly<Record<string, string>> = {}): BenchRow[] {
  return costs.map(({ name, medianNs, lowNs, highNs }) => {
    const note = notes[name];
    return { group, name, unit: 'µs CPU/call', median: medianNs / 1e3, low: lowNs / 1e3, high: highNs / 1e3, ...(note === undefined ? {} : { note }) };
  });
}
