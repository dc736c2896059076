import { join } from 'node:path';
import { SoraError, invalidConfig } from '../core/error.ts';
import { readSecrets } from '../supervisor/secrets.ts';
import { readLiveStack } from '../supervisor/stack-state.ts';
import type { Context } from './command.ts';
import { startSupervisor, takeFolder } from './supervisor-link.ts';

/** State folder of the stack of a load run; there is one at a time, as two would disturb each other. */
export function loadStackDir(context: Context): string {
  return join(context.home, 'load-stack');
}

/** Folder of the database server of load runs, with their templates and the databases they kept. */
export function loadDatabaseFolder(context: Context): string {
  return join(context.home, 'pg/load');
}

/** The database server of load runs, while no run has it up. */
export interface LoadServer extends AsyncDisposable {
  readonly url: string;
  /** The same by TCP, for programs that cannot use a Unix socket. */
  readonly tcpUrl: string;
  /** Resolves when the server has ended, for whatever reason. */
  readonly ended: Promise<void>;
}

/**
 * Starts the database server of load runs, alone. Disposing of it stops it. Where a load run has it
 * up, that one is used and left as it is.
 */
export async function startLoadServer(context: Context): Promise<LoadServer> {
  const { host } = context;
  const stateDir = loadStackDir(context);
  if (readLiveStack(host, stateDir) !== undefined) {
    const secrets = readSecrets(host, stateDir);
    if (secrets?.databaseUrl === undefined) throw new SoraError('no_database', 'the load run that is up has no database yet', { hint: 'try again in some seconds' });
    return { url: secrets.databaseUrl, tcpUrl: secrets.databaseTcpUrl ?? secrets.databaseUrl, ended: Promise.resolve(), [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  const giveBack = takeFolder(context, stateDir, 'a load run', 'wait until it has ended');
  const supervisor = startSupervisor(context, { stateDir, ports: 'free', hold: true, databaseFolder: loadDatabaseFolder(context) });
  const dispose = async (): Promise<void> => {
    await supervisor.stop();
    giveBack();
  };
  try {
    const { url, tcpUrl } = await supervisor.until('database');
    return { url, tcpUrl, ended: supervisor.ended, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** The URL of another database on the same server. @throws SoraError `invalid_config` when it is no URL */
export function withDatabase(url: string, name: string): string {
  const changed = URL.parse(url);
  if (changed === null) throw invalidConfig('DATABASE_URL is not a URL', 'postgres://user:password@host:5432/database');
  changed.pathname = `/${name}`;
  return changed.href;
}
