import type { Database, Statement } from './database.ts';
import { Problem } from './problem.ts';

/** Admin requests that read whole tables may take this long; users' requests may not. */
export const auditTimeoutMs = 120_000;

const limitStatement: Statement = { name: 'platform_statement_timeout', text: `select set_config('statement_timeout', $1, true)` };

/**
 * Runs one read that may take longer than the connection's own limit. It is done once more when its
 * connection breaks, so the statement must be repeatable.
 * @param timeoutMs then the server ends it with SQLSTATE 57014; default a little below `auditTimeoutMs`
 */
export async function queryAtLength<Row extends object>(
  db: Database, statement: Statement, values: readonly unknown[] = [], timeoutMs = auditTimeoutMs - 2_000,
): Promise<Row[]> {
  // Within a transaction the limit ends with it, and the connection goes back to the pool as it came.
  const attempt = (): Promise<Row[]> =>
    db.transaction(async (tx) => {
      await tx.query(limitStatement, [String(timeoutMs)]);
      return await tx.query<Row>(statement, values);
    });
  try {
    return await attempt();
  } catch (error) {
    if (error instanceof Problem && error.code === 'database_unavailable') return await attempt();
    throw error;
  }
}
