/**
 * One control plane at a time works on a database. What rules and routing remember lies in memory and is written by what
 * changed: two would each undo the other's silences and acknowledgements.
 *
 * An advisory lock of a connection of its own says who it is. A connection that breaks gives the lock away, so nothing
 * is written until it is taken again; `control_holder` then tells whether another had it meanwhile. The process does not
 * end with its connection: while a database is away it evaluates on, and its samples are not lost.
 */
import { Client } from 'pg';
import { SoraError } from '../core/error.ts';
import type { Host, Timer } from '../core/host.ts';
import type { Transaction } from './database.ts';

export interface HoldParts {
  readonly host: Host;
  readonly url: string;
  /** Another has the database: told once, before waiting for it. */
  onWait(): void;
  /** The connection broke; it is made again by itself. */
  onLost(): void;
  /** Another has, or had, the database since: what this process remembers is of no more use, and it must end. */
  onTaken(why: string): void;
}

export interface Hold {
  isHeld(): boolean;
  /** Says in the database who has it; call it once the migrations have run, before anything is read. */
  sign(): Promise<void>;
  /** @throws SoraError `control_database_unheld` (503), from what it returns, while the database is not held */
  guard(transaction: Transaction): Transaction;
  release(): Promise<void>;
}

/** Any constant that nothing else of this database locks (migrations and the event log have the two before it), the same in all versions. */
const advisoryLock = 7_305_201_129;
const retryMs = 1_000;
const probeMs = 5_000;
/** A probe without an answer for so long means that the server may soon take the connection for dead. */
const answerMaxMs = 10_000;

/** Waits until the database is free, as long as that takes. @throws what PostgreSQL throws at the first connection */
export async function takeHold(parts: HoldParts): Promise<Hold> {
  const hold = new DatabaseHold(parts);
  await hold.take();
  return hold;
}

class DatabaseHold implements Hold {
  readonly #parts: HoldParts;
  readonly #instance: string;
  #client: Client | undefined;
  #probing: Timer | undefined;
  readonly #released = new AbortController();

  constructor(parts: HoldParts) {
    this.#parts = parts;
    this.#instance = parts.host.random.uuid();
  }

  isHeld(): boolean {
    return this.#client !== undefined;
  }

  async take(): Promise<void> {
    for (let isFirst = true; ; isFirst = false) {
      const client = await this.#connect();
      if (await isLocked(client)) return this.#keep(client);
      await close(client);
      if (isFirst) this.#parts.onWait();
      await this.#parts.host.timers.sleep(retryMs);
    }
  }

  async sign(): Promise<void> {
    await this.#client?.query('insert into control_holder (instance) values ($1) on conflict (id) do update set instance = excluded.instance, since = now()', [this.#instance]);
  }

  guard(transaction: Transaction): Transaction {
    return (work) => {
      if (this.isHeld()) return transaction(work);
      return Promise.reject(new SoraError('control_database_unheld', 'the connection by which this control plane holds its database is broken', { status: 503, hint: 'it is made again by itself; sora status shows whether control-postgres is up' }));
    };
  }

  async release(): Promise<void> {
    this.#released.abort();
    this.#probing?.cancel();
    const client = this.#client;
    this.#client = undefined;
    if (client !== undefined) await close(client);
  }

  async #connect(): Promise<Client> {
    const client = new Client({ connectionString: this.#parts.url, application_name: 'sora-control-hold', connectionTimeoutMillis: 5_000, query_timeout: answerMaxMs, keepAlive: true });
    client.on('error', () => this.#lose(client)).on('end', () => this.#lose(client));
    await client.connect();
    // A machine that vanished must not hold the database for the hours that are the system's default; but longer than we look.
    await client.query('set tcp_keepalives_idle = 15; set tcp_keepalives_interval = 5; set tcp_keepalives_count = 3');
    return client;
  }

  #keep(client: Client): void {
    this.#client = client;
    this.#probing = this.#parts.host.timers.every(probeMs, () => void client.query('select 1').catch(() => this.#lose(client)));
  }

  #lose(client: Client): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    this.#probing?.cancel();
    void close(client);
    this.#parts.onLost();
    void this.#regain();
  }

  async #regain(): Promise<void> {
    while (!this.#released.signal.aborted) {
      await this.#parts.host.timers.sleep(retryMs, this.#released.signal).catch(() => undefined);
      if (this.#released.signal.aborted) return;
      const client = await this.#connect().catch(() => undefined);
      if (client === undefined) continue;
      const found = await look(client).catch(() => undefined);
      if (found !== undefined && found.holder !== this.#instance) {
        await close(client);
        this.#parts.onTaken(found.holder === undefined ? 'the database is another one, or was emptied' : 'another control plane has worked on the database meanwhile');
        return;
      }
      if (found?.isLocked === true && !this.#released.signal.aborted) return this.#keep(client);
      // The lock may still be that of our own broken connection.
      await close(client);
    }
  }
}

async function isLocked(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ locked: boolean }>('select pg_try_advisory_lock($1) as locked', [advisoryLock]);
  return rows[0]?.locked === true;
}

/** First the lock, then the name: whoever has it now has signed, or will have to wait for us. */
async function look(client: Client): Promise<{ isLocked: boolean; holder: string | undefined }> {
  const locked = await isLocked(client);
  const { rows } = await client.query<{ instance: string }>('select instance from control_holder');
  return { isLocked: locked, holder: rows[0]?.instance };
}

const close = (client: Client): Promise<void> => client.end().catch(() => undefined);
