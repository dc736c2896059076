import { z } from 'zod';
import { exitCodes, invalidConfig } from '../core/error.ts';
import type { ExitCode } from '../core/error.ts';
import { readSecrets } from '../supervisor/secrets.ts';
import { readLiveStack } from '../supervisor/stack-state.ts';
import type { Command, Context } from './command.ts';
import { outputFlag, outputOf, parseFlags, suggest } from './command.ts';
import { queryDatabase } from './db-query.ts';
import { runEntry } from './entry.ts';
import { onInterrupt } from './interrupt.ts';
import { startLoadServer, withDatabase } from './load-server.ts';
import { renderTable } from './table.ts';
import { stackDir } from './up.ts';

/** Verbs with a help of their own in the seeder. */
const seederVerbs = ['seed', 'migrate', 'reset', 'ls'] as const;
const verbs = [...seederVerbs, 'drop', 'open', 'query'] as const;
export const seedingEntry = 'services/seeding/main.ts';

export const db: Command = {
  name: 'db',
  summary: 'Fills, migrates, resets, lists and asks databases',
  usage: 'sora db seed|migrate|reset|ls|drop|open|query [flags]',
  flags: {
    url: { type: 'string', value: 'URL', help: 'the database; DATABASE_URL instead keeps its password out of the list of processes' },
    stack: { type: 'string', value: 'up|load', help: 'of ls and drop: the server of `sora up`, or of load runs, which is started for it; default up' },
    write: { type: 'boolean', help: 'of query: lets the statement change data' },
    control: { type: 'boolean', help: "of query: asks the control plane's own database" },
    ...outputFlag,
  },
  examples: ['sora db seed --users 100000', 'sora db seed --users 1000 --seed 7', 'sora db migrate', 'sora db ls --stack load -o json', 'sora db open kept_20260131_142305_9f2c', 'sora db drop kept_20260131_142305_9f2c --stack load', 'sora db query "select state, count(*) from pg_stat_activity group by 1"'],
  details:
    'Verbs:\n  seed       fills a database with users, posts, chats and wallets: --users N, --seed S\n  migrate    brings its schema up to date\n  reset      empties it; needs --yes\n  ls         lists the databases of its server\n  drop NAME  drops what a load run with --keep left, or a template\n  open NAME  starts the server of load runs, prints where NAME is, and stops it at Ctrl-C\n  query SQL  runs one statement in a read-only transaction, for at most 10 s, and shows at most 1,000 rows\n\nThe database is --url, else DATABASE_URL, else the one of the running stack.',
  passesThrough: seederVerbs,
  async run(context, args) {
    const [verb, ...rest] = args;
    if (verb === undefined || !verbs.some((known) => known === verb)) {
      throw invalidConfig(verb === undefined ? 'sora db needs a verb' : `sora db has no verb ${verb}`, suggest(verb ?? '', verbs) ?? `verbs: ${verbs.join(', ')}`);
    }
    if (rest.includes('--help') || rest.includes('-h')) return (await runEntry(context, seedingEntry, [verb, '--help'])).exitCode;
    if (verb === 'query') return await runQuery(context, args);
    const own = takeOwnFlags(verb, rest);
    if (verb === 'open') return await openDatabase(context, readName('open', own.rest));
    const seederArgs = verb === 'drop' ? ['drop', '--name', readName('drop', own.rest)] : [verb, ...own.rest];
    if (own.stack === 'up') return await runSeeder(context, own.url ?? findDatabase(context), seederArgs, own.output);
    await using server = await startLoadServer(context);
    return await runSeeder(context, server.url, seederArgs, own.output);
  },
};

interface OwnFlags {
  readonly url: string | undefined;
  readonly stack: 'up' | 'load';
  readonly output: 'table' | 'json';
  /** What is the seeder's. */
  readonly rest: readonly string[];
}

/** Flags of `sora db` itself before verbs of the seeder. */
const ownFlags = ['url', 'stack', 'output'];

/** Takes out the flags of `sora db` itself; the seeder knows all others. */
function takeOwnFlags(verb: string, args: readonly string[]): OwnFlags {
  const rest: string[] = [];
  const values: Record<string, string | undefined> = {};
  for (let index = 0; index < args.length; index++) {
    const argument = args[index] ?? '';
    const [flag = '', inline] = argument.split(/=(.*)/s, 2);
    const name = flag === '-o' ? 'output' : flag.replace(/^--/, '');
    if (!flag.startsWith('-') || !ownFlags.includes(name)) {
      rest.push(argument);
      continue;
    }
    values[name] = inline ?? args[++index];
    if (values[name] === undefined || values[name] === '') throw invalidConfig(`${flag} needs a value`, 'sora db --help shows which');
  }
  const { url, stack = 'up', output = 'table' } = values;
  if (stack !== 'up' && stack !== 'load') throw invalidConfig(`--stack "${stack}" is unknown`, 'use --stack up or --stack load');
  if (output !== 'table' && output !== 'json') throw invalidConfig(`output "${output}" is unknown`, 'use -o table or -o json');
  if (stack === 'load' && verb !== 'ls' && verb !== 'drop' && verb !== 'open') throw invalidConfig(`sora db ${verb} does not take --stack load`, 'each load run seeds a database of its own');
  if (url !== undefined && (stack === 'load' || verb === 'open')) throw invalidConfig('--url and the server of load runs exclude each other', 'leave one of them out');
  return { url, stack, output, rest };
}

/** The one name that `drop` and `open` take. A stack's own database is none of theirs. */
function readName(verb: string, rest: readonly string[]): string {
  const [name, extra] = rest;
  if (name === undefined || name.startsWith('-') || extra !== undefined) throw invalidConfig(`sora db ${verb} takes one name of a database`, 'list them with: npx sora db ls --stack load');
  if (/^(?:kept_|run_|sora_template_)[a-z0-9_]{1,50}$/.test(name)) return name;
  throw invalidConfig(`sora db ${verb} does not take "${name}"`, 'give a database that a load run left: kept_… or sora_template_…; sora db reset --yes empties that of the stack');
}

/** Runs one verb of the seeder, whose URL holds a password and so is no argument, and shows its reply. */
async function runSeeder(context: Context, url: string, args: readonly string[], output: 'table' | 'json'): Promise<ExitCode> {
  const { exitCode, stdout } = await runEntry(context, seedingEntry, args, { capture: true, env: { DATABASE_URL: url } });
  if (exitCode !== exitCodes.pass) return exitCode;
  context.host.stdout.write(output === 'json' ? stdout : renderReply(stdout));
  if (appliedSchema.safeParse(JSON.parse(stdout)).data?.applied.length === 0) context.host.stderr.write('the schema is up to date; nothing was applied\n');
  return exitCode;
}

const cell = z.unknown().transform((value) => (value === null || typeof value === 'number' ? value : typeof value === 'string' ? value : JSON.stringify(value)));
const rowSchema = z.record(z.string(), cell);
const databasesSchema = z.object({
  databases: z.array(z.object({ name: z.string(), kind: z.string(), sizeBytes: z.number().nullable(), users: z.number().nullable(), seed: z.number().nullable(), usedAt: z.string().nullable() })),
});

const appliedSchema = z.object({ applied: z.array(z.string()) });

/** The seeder's JSON as a table: databases and migrations one a row, nothing where no migration was applied, anything else one row with its fields as columns. */
export function renderReply(text: string): string {
  const reply: unknown = JSON.parse(text);
  const listed = databasesSchema.safeParse(reply);
  if (listed.success) {
    const rows = listed.data.databases.map((row) => [row.name, row.kind, row.sizeBytes === null ? null : `${Math.ceil(row.sizeBytes / 1e6)}MB`, row.users, row.seed, row.usedAt]);
    return renderTable(['NAME', 'KIND', 'SIZE', 'USERS', 'SEED', 'USED'], rows);
  }
  const migrated = appliedSchema.safeParse(reply);
  if (migrated.success) return migrated.data.applied.length === 0 ? '' : renderTable(['APPLIED'], migrated.data.applied.map((name) => [name]));
  const row = rowSchema.parse(reply);
  return renderTable(Object.keys(row).map((name) => name.replaceAll(/[A-Z]/g, '_$&').toUpperCase()), [Object.values(row)]);
}

/** Holds the server of load runs up until Ctrl-C, for psql, `sora db query --url` and the like. */
async function openDatabase(context: Context, name: string): Promise<ExitCode> {
  const { host } = context;
  const interrupted = Promise.withResolvers<void>();
  const stopListening = onInterrupt(host, (count) => {
    if (count > 1) host.process.exit(exitCodes.interrupted);
    interrupted.resolve();
  });
  try {
    await using server = await startLoadServer(context);
    host.stdout.write(`${withDatabase(server.tcpUrl, name)}\n`);
    host.stderr.write('Ctrl-C stops the server; what it holds stays.\n');
    await Promise.race([interrupted.promise, server.ended]);
  } finally {
    stopListening();
  }
  return exitCodes.pass;
}

/** One statement of a person, who has nothing but the checkout. */
async function runQuery(context: Context, args: readonly string[]): Promise<ExitCode> {
  const parsed = parseFlags(db, args, 2);
  const [, sql = ''] = parsed.positionals;
  const isControl = parsed.has('control');
  const given = parsed.text('url');
  if (parsed.text('stack') !== undefined) throw invalidConfig('sora db query does not take --stack', 'it asks the running stack; name another database with --url');
  if (isControl && given !== undefined) throw invalidConfig('--url and --control exclude each other', 'leave one of them out');
  const url = given ?? (isControl ? findControlDatabase(context) : findDatabase(context));
  return await queryDatabase(context.host, { url, sql, isWriting: parsed.has('write'), output: outputOf(parsed) });
}

/** The control plane's own database of the running stack. */
function findControlDatabase(context: Context): string {
  const { host } = context;
  const stateDir = stackDir(context);
  const url = readLiveStack(host, stateDir) === undefined ? undefined : readSecrets(host, stateDir)?.controlDatabaseUrl;
  if (url === undefined) throw invalidConfig('no control plane with a database of its own is up', 'start the stack with npm start, or give --url');
  return url;
}

/** DATABASE_URL, else the database of the running stack. */
function findDatabase(context: Context): string {
  const { host } = context;
  const given = host.process.env['DATABASE_URL'];
  if (given !== undefined && given !== '') return given;
  const stateDir = stackDir(context);
  const url = readLiveStack(host, stateDir) === undefined ? undefined : readSecrets(host, stateDir)?.databaseUrl;
  if (url === undefined) throw invalidConfig('no database is up', 'start the stack with npm start, or give --url or DATABASE_URL');
  return url;
}
