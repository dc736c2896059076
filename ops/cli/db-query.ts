import { Socket } from 'node:net';
import { Client, DatabaseError, Query } from 'pg';
import { SoraError, exitCodes, invalidConfig, messageOf } from '../core/error.ts';
import type { ExitCode } from '../core/error.ts';
import type { Host } from '../core/host.ts';
import { renderTable } from './table.ts';

/** What one statement may take: rows that are shown, its time on the server, until a connection is up, characters of a cell of a table. */
export const queryLimits = { rows: 1_000, statementMs: 10_000, connectMs: 4_000, sqlCharacters: 100_000, cellCharacters: 200 } as const;
/** Beyond the server's own limit, for a server that no longer keeps it. */
const graceMs = 2_000;

export interface DatabaseQuery {
  /** Connection string; never shown, as it holds a password. */
  readonly url: string;
  /** One statement. */
  readonly sql: string;
  /** Lets the statement change data; else its transaction is read-only. */
  readonly isWriting: boolean;
  readonly output: 'table' | 'json';
}

type Cell = string | null;

interface Rows {
  readonly columns: readonly { readonly name: string; readonly typeId: number }[];
  readonly cells: readonly (readonly Cell[])[];
  readonly hasMore: boolean;
  /** What the server says it did, such as `UPDATE`. */
  readonly command: string;
  readonly affected: number | null;
}

/**
 * Runs one statement in a transaction of its own, read-only unless `isWriting`, and shows at most 1,000 rows: a table,
 * or JSON; of a statement that answers none, what it did. Nothing on standard output means no rows.
 * @throws SoraError `no_answer` within 4 s when the database does not let us in, `sql_failed` with what PostgreSQL says,
 * `sql_too_slow` after 10 s, `sql_read_only` when it would change data
 */
export async function queryDatabase(host: Host, query: DatabaseQuery): Promise<ExitCode> {
  const { sql, isWriting, output } = query;
  if (sql.trim() === '') throw invalidConfig('sora db query needs a statement', 'for example: sora db query "select count(*) from pg_stat_activity"');
  if (sql.length > queryLimits.sqlCharacters) throw invalidConfig(`the statement has ${sql.length} characters; ${queryLimits.sqlCharacters} are taken`);
  if (isWriting) host.stderr.write('--write: what this changes is committed at once\n');
  const rows = await ask(host, query);
  if (output === 'json') host.stdout.write(renderJson(rows));
  else if (rows.columns.length === 0) host.stdout.write(`${rows.command}${rows.affected === null ? '' : `: ${rows.affected} rows`}\n`);
  else if (rows.cells.length === 0) host.stderr.write('no rows\n');
  else host.stdout.write(renderTable(rows.columns.map(({ name }) => name.toUpperCase()), rows.cells.map((row) => row.map(cutCell))));
  if (rows.hasMore) host.stderr.write(`only the first ${queryLimits.rows} rows are shown; narrow the statement, or let it count\n`);
  return exitCodes.pass;
}

async function ask(host: Host, query: DatabaseQuery): Promise<Rows> {
  const socket = new Socket();
  const client = openClient(query, socket);
  // It breaks when we end it; whatever waits for it is told by its own promise.
  client.on('error', () => undefined);
  let isLate = false;
  const cut = (): void => {
    isLate = true;
    socket.destroy();
  };
  const connecting = host.timers.after(queryLimits.connectMs, cut);
  try {
    await client.connect();
  } catch (error) {
    throw isLate ? noAnswer(`the database does not answer within ${queryLimits.connectMs / 1_000} s`) : explainRefusal(error);
  } finally {
    connecting.cancel();
  }
  const running = host.timers.after(queryLimits.statementMs + graceMs, cut);
  try {
    return await collect(client, query);
  } catch (error) {
    throw isLate ? noAnswer('the database stopped answering') : explainFailure(error, query.sql);
  } finally {
    running.cancel();
    socket.destroy();
  }
}

function openClient({ url, isWriting }: DatabaseQuery, socket: Socket): Client {
  const howUrlsLook = 'postgres://user:password@host:5432/database';
  if (!/^(?:postgres(?:ql)?|socket):/.test(url)) throw invalidConfig('the URL of the database is not one of PostgreSQL', howUrlsLook);
  try {
    return new Client({
      connectionString: url, application_name: 'sora-db-query', stream: () => socket,
      options: `-c default_transaction_read_only=${isWriting ? 'off' : 'on'} -c statement_timeout=${queryLimits.statementMs} -c timezone=UTC`,
    });
  } catch (error) {
    throw invalidConfig('the URL of the database cannot be read', howUrlsLook, error);
  }
}

/** As PostgreSQL writes it, which is what people who ask in SQL expect. */
const asText = { getTypeParser: () => (text: string) => text };

/**
 * Takes rows as they come, so that a statement with millions of them costs no memory. The extended protocol takes one
 * statement alone: a `commit` before another would end the read-only transaction.
 */
function collect(client: Client, { sql, isWriting }: DatabaseQuery): Promise<Rows> {
  return new Promise((resolve, reject) => {
    const cells: Cell[][] = [];
    let hasMore = false;
    const query = new Query<Cell[]>({ text: sql, rowMode: 'array', queryMode: 'extended', types: asText } as ConstructorParameters<typeof Query>[0]);
    const columnsOf = (result: { fields: { name: string; dataTypeID: number }[] } | undefined): Rows['columns'] => (result?.fields ?? []).map(({ name, dataTypeID }) => ({ name, typeId: dataTypeID }));
    query.on('row', (row, result) => {
      hasMore = cells.length === queryLimits.rows;
      if (!hasMore) cells.push(row);
      // What only reads need not go on; what writes is committed by its end.
      else if (!isWriting) resolve({ columns: columnsOf(result), cells, hasMore, command: '', affected: null });
    });
    query.on('error', reject);
    query.on('end', (result) => resolve({ columns: columnsOf(result), cells, hasMore, command: result.command, affected: result.rowCount }));
    client.query(query);
  });
}

const noAnswer = (message: string): SoraError =>
  new SoraError('no_answer', message, { hint: 'npx sora status shows whether it is up; runbooks/database-down.md says what to do' });

/** Why there is no connection: nobody listens, or the server says no. */
function explainRefusal(error: unknown): SoraError {
  if (error instanceof DatabaseError) return new SoraError('no_answer', `PostgreSQL lets nobody in: ${error.message} (${error.code})`, { hint: 'see runbooks/database-down.md and runbooks/database-connections-high.md', cause: error });
  return noAnswer(`the database cannot be reached: ${messageOf(error) || 'no connection'}`);
}

function explainFailure(error: unknown, sql: string): SoraError {
  if (!(error instanceof DatabaseError)) return new SoraError('sql_failed', `the connection broke: ${messageOf(error)}`, { cause: error });
  const { code = '', detail, hint, position } = error;
  if (code === '57014') return new SoraError('sql_too_slow', `the statement took longer than ${queryLimits.statementMs / 1_000} s and was ended`, { hint: 'narrow it, or look at what it waits for: runbooks/database-lock-contention.md', cause: error });
  if (code === '25006') return new SoraError('sql_read_only', `PostgreSQL: ${error.message}`, { hint: '--write lets the statement change data', cause: error });
  const near = position === undefined ? '' : `at: ${sql.slice(Number(position) - 1, Number(position) + 39).replaceAll(/\s+/g, ' ')}`;
  const more = [near, detail, hint].filter((text) => text !== undefined && text !== '').join('\n');
  return new SoraError('sql_failed', `PostgreSQL: ${error.message} (${code})`, { cause: error, ...(more === '' ? {} : { hint: more }) });
}

/** One line of text that cannot move a terminal's cursor: rows hold what users wrote. */
function cutCell(cell: Cell): Cell {
  // oxlint-disable-next-line no-control-regex
  const line = cell?.replaceAll(/\s+/g, ' ').replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, '?') ?? null;
  return line === null || line.length <= queryLimits.cellCharacters ? line : `${line.slice(0, queryLimits.cellCharacters - 1)}…`;
}

/** Types whose text is JSON as well: int2, int4, json, jsonb. int8 and numeric stay text where a number would lose digits. */
const jsonTypes = new Set([21, 23, 114, 3802]);
const numberTypes = new Set([20, 700, 701, 1700]);
const boolType = 16;

function renderJson({ columns, cells, hasMore, command, affected }: Rows): string {
  const rows = cells.map((row) => Object.fromEntries(columns.map(({ name, typeId }, index) => [name, valueOf(row[index] ?? null, typeId)])));
  return `${JSON.stringify({ schema: 'sora.db-query/v1', command, affected, columns: columns.map(({ name }) => name), rows, hasMore }, null, 2)}\n`;
}

function valueOf(cell: Cell, typeId: number): unknown {
  if (cell === null) return null;
  if (typeId === boolType) return cell === 't';
  if (jsonTypes.has(typeId)) return JSON.parse(cell);
  return numberTypes.has(typeId) && String(Number(cell)) === cell && Number.isFinite(Number(cell)) ? Number(cell) : cell;
}
