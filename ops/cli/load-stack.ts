import { join } from 'node:path';
import { Client } from 'pg';
import { z } from 'zod';
import { SoraError, invalidConfig, messageOf } from '../core/error.ts';
import { readSecrets } from '../supervisor/secrets.ts';
import { readStackState, statePath } from '../supervisor/stack-state.ts';
import type { Context } from './command.ts';
import { seedingEntry } from './db.ts';
import { runEntry } from './entry.ts';
import { loadDatabaseFolder, loadStackDir, withDatabase } from './load-server.ts';
import { startSupervisor, takeFolder } from './supervisor-link.ts';
import type { SupervisorLink } from './supervisor-link.ts';
import { controlPart } from './up.ts';

/** What the seeder must have put into the database of a run. */
export interface SeedWanted {
  readonly users: number;
  readonly seed: number;
}

export interface LoadStackOptions extends SeedWanted {
  readonly runId: string;
  readonly replicas: Readonly<Record<string, number>>;
  /** Keeps the run's database. */
  readonly keep: boolean;
  /** Whether the stack has a control plane, whose alerts then carry the run's id. Default false: it costs CPU. */
  readonly alerts?: boolean;
  /** Aborted when the user wants to stop before the run has begun. */
  readonly signal: AbortSignal;
}

/** A stack for one load run, on a database of its own. */
export interface LoadStack extends AsyncDisposable {
  /** Environment from which the harness learns of it. */
  readonly env: Readonly<Record<string, string>>;
  /** Aborted when the supervisor dies, after which there is nothing left to load. */
  readonly died: AbortSignal;
}

/**
 * Starts PostgreSQL, makes or reuses the seeded template, clones it, and starts the rest on free
 * ports. Disposing of it stops everything and drops the clone.
 */
export async function startLoadStack(context: Context, options: LoadStackOptions): Promise<LoadStack> {
  const { host } = context;
  const stateDir = loadStackDir(context);
  const databaseUrl = host.process.env['DATABASE_URL'] || undefined;
  if (databaseUrl !== undefined) await requireReachable(databaseUrl);
  const giveBack = takeFolder(context, stateDir, 'a load run', 'wait until it has ended, or use --stack running');
  // Logs and the journals of the mocks are those of the run before; a payment it owed is not ours.
  for (const name of host.files.list(stateDir)) if (name !== 'lock') host.files.remove(join(stateDir, name));
  const supervisor = startSupervisor(context, {
    stateDir,
    ports: 'free',
    hold: true,
    replicas: options.replicas,
    databaseFolder: loadDatabaseFolder(context),
    ...(databaseUrl === undefined ? {} : { databaseUrl }),
    ...(options.alerts === true ? controlPart(context, 'pg/load-control', true, options.runId) : {}),
  });
  const died = new AbortController();
  void supervisor.ended.then(() => died.abort());
  let clone: { url: string; name: string } | undefined;
  const dispose = async (): Promise<void> => {
    try {
      if (clone !== undefined && !options.keep) await dropClone(context, supervisor, clone, databaseUrl !== undefined);
    } finally {
      await supervisor.stop();
      giveBack();
    }
    if (clone !== undefined && options.keep) host.stderr.write(describeKept(clone.name, databaseUrl !== undefined));
  };
  try {
    host.stderr.write('starting the database\n');
    const { url } = await abortable(supervisor.until('database'), options.signal);
    if (databaseUrl === undefined) await dropLeftovers(url);
    host.stderr.write(`preparing ${options.users} users\n`);
    const { template } = await seeder(context, url, templateReply, 'template', ['--users', String(options.users), '--seed', String(options.seed)]);
    const name = `${options.keep ? 'kept' : 'run'}_${options.runId.replaceAll('-', '_')}`;
    await seeder(context, url, z.unknown(), 'clone', ['--template', template, '--name', name]);
    clone = { url, name };
    host.stderr.write('starting the services\n');
    const up = supervisor.until('up');
    supervisor.release(withDatabase(url, name));
    await abortable(up, options.signal);
    return { env: stackEnv(context, stateDir, withDatabase(url, name)), died: died.signal, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** Where a kept database lies, how to look into it and how to be rid of it. */
function describeKept(name: string, isOnGivenServer: boolean): string {
  if (isOnGivenServer) return `the database of this run stays on the server of DATABASE_URL as ${name}; to drop it: npx sora db drop ${name}\n`;
  return `the database of this run stays on the load server, which is down, as ${name}\n  npx sora db open ${name}               starts that server and says where the database is\n  npx sora db drop ${name} --stack load  drops it\n`;
}

const templateReply = z.object({ template: z.string().min(1) });

/** What the harness needs to know of a stack. */
export function stackEnv(context: Context, stateDir: string, databaseUrl?: string): Record<string, string> {
  const { host } = context;
  const state = readStackState(host, stateDir);
  const secrets = readSecrets(host, stateDir);
  if (state === undefined || secrets === undefined) throw new SoraError('no_stack', `no stack has its state in ${stateDir}`);
  return {
    SORA_TARGET: state.urls['gateway'] ?? '',
    SORA_ADMIN_URL: state.urls['api'] ?? '',
    SORA_ADMIN_SECRET: secrets.admin,
    SORA_STACK_STATE: statePath(stateDir),
    SORA_DATABASE_URL: databaseUrl ?? secrets.databaseUrl ?? '',
  };
}

/** The clone can only be dropped once nothing uses it, and while the database still runs. */
async function dropClone(context: Context, supervisor: SupervisorLink, clone: { url: string; name: string }, isOnGivenServer: boolean): Promise<void> {
  try {
    const held = supervisor.until('held');
    supervisor.hold();
    await held;
    await seeder(context, clone.url, z.unknown(), 'drop', ['--name', clone.name]);
  } catch (error) {
    context.host.stderr.write(describeLeft(clone.name, error, isOnGivenServer));
  }
}

/** Of a database that should have gone: why it may still be there, and how it goes. */
export function describeLeft(name: string, error: unknown, isOnGivenServer: boolean): string {
  const isInterrupted = error instanceof SoraError && error.code === 'interrupted';
  const why = isInterrupted ? `the database of this run, ${name}, may still be there, as dropping it was interrupted` : `the database of this run, ${name}, could not be dropped: ${messageOf(error)}`;
  if (isOnGivenServer) return `${why}\n  to drop it: npx sora db drop ${name}\n`;
  return `${why}\n  the next load run drops it; to drop it now: npx sora db drop ${name} --stack load\n`;
}

/** What a stop by force leaves undone. */
export function describeForced(context: Context): string {
  const isOnGivenServer = (context.host.process.env['DATABASE_URL'] ?? '') !== '';
  if (isOnGivenServer) return 'stopped by force; a database of this run may be left on the server of DATABASE_URL\n  npx sora db ls shows it as run_…, npx sora db drop NAME drops it\n';
  return 'stopped by force; the next load run drops what this one left of a database\n';
}

/** Runs one verb of the seeder and reads the JSON it prints. The URL holds a password, so it is not an argument. */
async function seeder<Reply>(context: Context, url: string, reply: z.ZodType<Reply>, verb: string, args: readonly string[]): Promise<Reply> {
  const { exitCode, stdout, interrupted } = await runEntry(context, seedingEntry, [verb, ...args], { capture: true, graceMs: 10_000, env: { DATABASE_URL: url } });
  if (interrupted) throw interruptedError();
  // The seeder has said on standard error what is wrong; this only carries its exit code.
  if (exitCode !== 0) throw new SoraError('seeding_failed', `preparing the database failed in ${verb}`, { exitCode });
  const parsed = reply.safeParse(stdout.trim() === '' ? {} : parseJson(stdout));
  if (!parsed.success) throw new SoraError('seeding_failed', `the seeder's ${verb} answered ${JSON.stringify(stdout.slice(0, 100))}`);
  return parsed.data;
}

/** Rejects when the signal is aborted first; what was awaited is then left to the disposal. */
function abortable<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(interruptedError());
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

export function interruptedError(): SoraError {
  return new SoraError('interrupted', 'interrupted before the run began', { exitCode: 105 });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const connectWithinMs = 10_000;

/** Connects once, before anything is started for a database that does not answer. */
async function requireReachable(databaseUrl: string): Promise<void> {
  const url = URL.parse(databaseUrl);
  if (url === null) throw invalidConfig('DATABASE_URL is not a URL', 'postgres://user:password@host:5432/database');
  const client = new Client({ connectionString: databaseUrl, connectionTimeoutMillis: connectWithinMs });
  try {
    await client.connect();
  } catch (error) {
    const where = `${url.host}, database "${url.pathname.slice(1)}"`;
    // An error for several addresses of one name has no message of its own.
    const why = messageOf(error) || (error as NodeJS.ErrnoException).code;
    throw invalidConfig(`DATABASE_URL: the database at ${where} cannot be reached: ${why}`, 'start it, correct DATABASE_URL, or unset it to use the embedded PostgreSQL', error);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Drops the databases of runs that were killed before they could do so themselves. */
async function dropLeftovers(adminUrl: string): Promise<void> {
  const client = new Client({ connectionString: adminUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ name: string }>("select datname as name from pg_database where datname like 'run\\_%'");
    for (const { name } of rows) await client.query(`drop database if exists ${client.escapeIdentifier(name)} with (force)`);
  } finally {
    await client.end();
  }
}
