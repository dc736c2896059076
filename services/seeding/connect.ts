import { Client } from 'pg';
import { invalidConfig, messageOf } from '../../ops/core/error.ts';
import { clientConfig } from '../platform/postgres.ts';

/** The same URL with another database, in the TCP and the unix socket form. */
export function urlOf(url: string, database: string): string {
  const match = /^(postgres(?:ql)?:\/\/[^/?]*)(?:\/[^?]*)?(\?.*)?$/.exec(url);
  if (match === null) throw malformed(url);
  return `${match[1]}/${database}${match[2] ?? ''}`;
}

const malformed = (url: string): Error =>
  invalidConfig(`--url is no PostgreSQL URL (${url.split('@').at(-1)?.slice(0, 60) ?? ''})`, 'give one such as postgres://user:password@127.0.0.1:5432/avalo');

/**
 * Runs `work` on one connection and closes it.
 * @throws SoraError `invalid_config` (104) naming host and database, never the password, when it cannot be reached
 */
export async function withClient<Result>(url: string, work: (client: Client) => Promise<Result>): Promise<Result> {
  if (!/^postgres(?:ql)?:\/\//.test(url)) throw malformed(url);
  // No time limit: filling and indexing a large table takes minutes.
  const client = new Client({ ...clientConfig(url, 'sora-seed', 0), connectionTimeoutMillis: 10_000 });
  // A break surfaces in the running query; without a listener the event alone would end the process.
  client.on('error', () => undefined);
  try {
    await client.connect();
  } catch (error) {
    const where = `${client.host}:${client.port}, database "${client.database ?? ''}"`;
    throw invalidConfig(`the database at ${where} cannot be reached: ${messageOf(error)}`, 'check --url, and that PostgreSQL is up', error);
  }
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
