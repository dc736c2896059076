import type { ClientBase, Pool } from 'pg';
import { SoraError, invalidConfig } from '../error.ts';
import { eventDetails } from './event.ts';
import type { EventDetails, EventFilter, EventLog, LoggedEvent, NewEvent } from './event.ts';

/** The event log in PostgreSQL. */
export interface PostgresEventLog extends EventLog {
  /**
   * Appends within another's transaction, on its connection: both happen or neither. Do it last, as the log's lock is
   * held from here to the end of that transaction and nobody else appends meanwhile.
   */
  appendWith(client: ClientBase, events: readonly NewEvent[]): Promise<void>;
}

/**
 * Appenders take this lock, which they hold until they commit, before they draw sequence numbers. So numbers become
 * visible in the order they were drawn: who has read up to one never misses a lower one that commits later.
 */
const appendLock = 7_305_201_128;
const limitMax = 10_000;
const eventsMax = 10_000;
const actorMax = 200;
const keyMax = 500;

/** @param pool of the control plane's database, whose migrations have run */
export function createEventLog(pool: Pool): PostgresEventLog {
  return {
    appendWith: appendEvents,
    async append(events) {
      if (events.length === 0) return;
      const client = await pool.connect();
      let broken = false;
      try {
        await client.query('begin');
        await appendEvents(client, events);
        await client.query('commit');
      } catch (error) {
        await client.query('rollback').catch(() => (broken = true));
        throw error;
      } finally {
        client.release(broken);
      }
    },
    read: (filter) => readEvents(pool, filter),
  };
}

async function appendEvents(client: ClientBase, events: readonly NewEvent[]): Promise<void> {
  if (events.length === 0) return;
  if (events.length > eventsMax) throw new SoraError('too_many_events', `${events.length} events in one append; the most is ${eventsMax}`, { hint: 'append them in parts' });
  for (const event of events) check(event);
  await client.query('select pg_advisory_xact_lock($1)', [appendLock]);
  await client.query(
    `insert into event_log (at_ms, actor, kind, details, key)
     select at_ms, actor, details->>'kind', details, key
     from unnest($1::bigint[], $2::text[], $3::jsonb[], $4::text[]) with ordinality as event (at_ms, actor, details, key, place)
     order by place
     on conflict (key) do nothing`,
    [
      events.map(({ atMs }) => atMs),
      events.map(({ actor }) => actor),
      events.map(({ details }) => JSON.stringify(details, storable)),
      events.map(({ key }) => key ?? null),
    ],
  );
}

/** What PostgreSQL's JSON cannot hold: the character 0 and halves of surrogate pairs. */
function storable(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? value.toWellFormed().replaceAll('\0', '\ufffd') : value;
}

function check({ atMs, actor, details, key }: NewEvent): void {
  const problems = eventDetails.safeParse(details).error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? [];
  if (!Number.isSafeInteger(atMs) || atMs < 0) problems.push(`atMs ${atMs} is not a whole number of milliseconds`);
  if (actor === '' || actor.length > actorMax) problems.push(`the actor has ${actor.length} characters; 1 to ${actorMax} are taken`);
  if (key !== undefined && (key === '' || key.length > keyMax)) problems.push(`the key has ${key.length} characters; 1 to ${keyMax} are taken`);
  if (problems.length > 0) throw new SoraError('invalid_event', `an event of kind ${details.kind} is malformed: ${problems.join('; ')}`, { hint: 'ops/core/event-log/event.ts has the schema', status: 400 });
}

interface Row {
  readonly sequence: string | number;
  readonly at_ms: string | number;
  readonly actor: string;
  readonly details: EventDetails;
  readonly key: string | null;
}

async function readEvents(pool: Pool, filter: EventFilter): Promise<readonly LoggedEvent[]> {
  const limit = filter.limit ?? limitMax;
  if (!Number.isInteger(limit) || limit < 1 || limit > limitMax) throw invalidConfig(`limit ${limit} is not a whole number from 1 to ${limitMax}`, 'read on with afterSequence');
  const { rows } = await pool.query<Row>(
    `select sequence, at_ms, actor, details, key from event_log
     where ($1::text[] is null or kind = any ($1)) and ($2::bigint is null or at_ms >= $2) and ($3::bigint is null or at_ms <= $3)
       and sequence > $4
     order by sequence limit $5`,
    [filter.kinds ?? null, filter.fromMs ?? null, filter.toMs ?? null, filter.afterSequence ?? 0, limit],
  );
  return rows.map((row) => ({
    sequence: Number(row.sequence), atMs: Number(row.at_ms), actor: row.actor, details: row.details,
    ...(row.key === null ? {} : { key: row.key }),
  }));
}
