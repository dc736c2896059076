/** Keeps what routing remembers in PostgreSQL: read once at the start, then only what changed is written. */
import type { ClientBase, Pool } from 'pg';
import type { Override } from '../oncall/schedule.ts';
import { digest } from './message.ts';
import { ackKey } from './state.ts';
import type { Ack, Group, RoutingState, Silence } from './state.ts';

export interface Remembered {
  readonly state: RoutingState;
  readonly overrides: readonly Override[];
}

interface Change {
  readonly table: 'alerting_group' | 'alerting_silence' | 'alerting_ack' | 'alerting_oncall_override';
  readonly id: string;
  /** Undefined removes the row. */
  readonly state: object | undefined;
}

/** @throws what PostgreSQL throws */
export async function loadState(pool: Pool): Promise<Remembered> {
  const read = async <State>(table: Change['table']): Promise<State[]> => (await pool.query<{ state: State }>(`select state from ${table}`)).rows.map((row) => row.state);
  const [groups, silences, acks, overrides] = await Promise.all([read<Group>('alerting_group'), read<Silence>('alerting_silence'), read<Ack>('alerting_ack'), read<Override>('alerting_oncall_override')]);
  return {
    state: {
      groups: Object.fromEntries(groups.map((group) => [group.key, group])),
      silences: silences.sort((one, other) => one.createdAtMs - other.createdAtMs || (one.id < other.id ? -1 : 1)),
      acks: Object.fromEntries(acks.map((ack) => [ackKey(ack), ack])),
    },
    overrides,
  };
}

/** What differs between two states, by what matters: values and annotations come anew with every evaluation. */
export function changesBetween(before: Remembered, after: Remembered): Change[] {
  return [
    ...differences('alerting_group', before.state.groups, after.state.groups, materialOf, (group) => digest(group.key)),
    ...differences('alerting_silence', byId(before.state.silences), byId(after.state.silences), JSON.stringify, ({ id }) => id),
    ...differences('alerting_ack', before.state.acks, after.state.acks, JSON.stringify, rowIdOf),
    ...differences('alerting_oncall_override', byId(before.overrides), byId(after.overrides), JSON.stringify, ({ id }) => id),
  ];
}

/** Writes changes in the caller's transaction. */
export async function saveChanges(client: ClientBase, changes: readonly Change[]): Promise<void> {
  const tables = [...new Set(changes.map(({ table }) => table))];
  for (const table of tables) {
    const own = changes.filter((change) => change.table === table);
    const gone = own.filter(({ state }) => state === undefined).map(({ id }) => id);
    const kept = own.filter(({ state }) => state !== undefined);
    if (gone.length > 0) await client.query(`delete from ${table} where id = any($1)`, [gone]);
    if (kept.length === 0) continue;
    const [extra, type] = table === 'alerting_silence' ? ['ends_at_ms', 'endsAtMs'] : table === 'alerting_oncall_override' ? ['to_ms', 'toMs'] : [undefined, undefined];
    const [column, value, update] = extra === undefined ? ['', '', ''] : [`, ${extra}`, `, (state->>'${type}')::bigint`, `, ${extra} = excluded.${extra}`];
    await client.query(
      `insert into ${table} (id, state${column}) select id, state${value} from unnest($1::text[], $2::jsonb[]) as row (id, state)
       on conflict (id) do update set state = excluded.state${update}`,
      [kept.map(({ id }) => id), kept.map(({ state }) => JSON.stringify(state))],
    );
  }
}

/** A group's key may be long. */
const rowIdOf = ({ fingerprint, groupKey }: Ack): string => (groupKey === undefined ? fingerprint : `${fingerprint} ${digest(groupKey)}`);

function byId<Item extends { readonly id: string }>(items: readonly Item[]): Record<string, Item> {
  return Object.fromEntries(items.map((item) => [item.id, item]));
}

function differences<Item extends object>(
  table: Change['table'],
  before: Readonly<Record<string, Item>>,
  after: Readonly<Record<string, Item>>,
  material: (item: Item) => string,
  idOf: (item: Item) => string,
): Change[] {
  const written = Object.entries(after).filter(([key, item]) => {
    const old = before[key];
    return old !== item && (old === undefined || material(old) !== material(item));
  });
  const gone = Object.entries(before).filter(([key]) => !Object.hasOwn(after, key));
  return [...gone.map(([, item]) => ({ table, id: idOf(item), state: undefined })), ...written.map(([, item]) => ({ table, id: idOf(item), state: item }))];
}

/** Not the time of the next look either: one that passed meanwhile is made up for at once. */
function materialOf({ alerts, told, page, pagedLast, receiver }: Group): string {
  return JSON.stringify([alerts.map(({ alert, missingSinceMs }) => [alert.fingerprint, alert.status, alert.startsAtMs, alert.endsAtMs ?? 0, missingSinceMs ?? 0]), told, page ?? null, pagedLast ?? null, receiver]);
}
