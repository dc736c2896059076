import type { BenchLimit, BenchRow } from '../../../ops/core/bench-row.ts';
import { spreadOf } from '../../../ops/core/statistics.ts';
import type { Client } from './clients.ts';
import type { FoundPeer } from './peers.ts';

/** Our figure as a share of another tool's. */
export interface Ratio {
  readonly group: string;
  /** What is compared, such as `CPU/request`. */
  readonly figure: string;
  readonly must?: BenchLimit;
}

/** Ours over theirs, round by round, so that what disturbs a round disturbs both; or why there is no such row. */
export function ratioRow({ group, figure, must }: Ratio, peer: FoundPeer, ours: readonly number[], theirs: readonly number[]): BenchRow {
  const name = `sora / ${peer.kind === 'found' ? peer.client.name : peer.name}`;
  const row = { group, name, unit: `times, ${figure}`, ...(must === undefined ? {} : { must }) };
  if (peer.kind === 'missing') return { ...row, unmeasured: peer.why };
  return { ...row, ...spreadOf(ours.map((value, round) => value / (theirs[round] ?? Number.NaN))) };
}

/**
 * Measures every player once a round, one after the other. There is no warm-up: each is a process of its own, whose
 * start is measured with it.
 * @returns the values of each player by name, in the order of the rounds
 */
export async function inTurns<Player extends { readonly name: string }, Value>(
  players: readonly Player[], rounds: number, measure: (player: Player, round: number) => Promise<Value>,
): Promise<(name: string) => readonly Value[]> {
  const values = new Map(players.map(({ name }) => [name, [] as Value[]]));
  for (let round = 1; round <= rounds; round++) {
    for (const player of players) values.get(player.name)?.push(await measure(player, round));
  }
  return (name) => values.get(name) ?? [];
}

/** The clients among the peers that were found. */
export const clientsOf = (found: readonly FoundPeer[]): Client[] => found.flatMap((peer) => (peer.kind === 'found' ? [peer.client] : []));
