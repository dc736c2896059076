import { distance } from 'fastest-levenshtein';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { exitCodes, invalidConfig, renderError, SoraError } from '../../ops/core/error.ts';
import type { Host } from '../../ops/core/host.ts';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { migrate } from '../platform/migrations.ts';
import { withClient } from './connect.ts';
import { cloneDatabase, dropDatabase, ensureTemplate, listDatabases, resetDatabase } from './databases.ts';
import { seedDatabase } from './seed.ts';

const whole = z.string().regex(/^-?\d+$/, 'is not a whole number').transform(Number);
const url = z.string().min(1);
const counts = { users: whole, seed: whole.default(1), posts: whole.optional(), following: whole.optional(), timeline: whole.optional(), tokens: whole.optional() };

interface Verb {
  readonly summary: string;
  readonly flags: z.ZodObject;
  readonly run: (host: Host, flags: Record<string, unknown>) => Promise<unknown>;
}

/** Declares a verb; the flags `run` gets are those the schema lets through. */
function verb<Shape extends z.ZodRawShape>(summary: string, shape: Shape, run: (host: Host, flags: z.infer<z.ZodObject<Shape>>) => Promise<unknown>): Verb {
  return { summary, flags: z.object(shape), run: run as Verb['run'] };
}

const verbs: Readonly<Record<string, Verb>> = {
  seed: verb('fills the database with users, follows, posts, timelines, chats and wallets', { url, ...counts }, (host, flags) => seedDatabase(host, flags.url, flags)),
  migrate: verb('brings its schema up to date', { url }, async (host, flags) => {
    // Connects first for the message that names the server.
    await withClient(flags.url, () => Promise.resolve());
    return await migrate(host, flags.url);
  }),
  template: verb('makes or finds the seeded template for clones', { url, ...counts }, (host, flags) => ensureTemplate(host, flags.url, flags)),
  clone: verb('copies a template to a new database', { url, template: z.string(), name: z.string() }, (_host, flags) => cloneDatabase(flags.url, flags.template, flags.name)),
  drop: verb('drops a database', { url, name: z.string() }, (_host, flags) => dropDatabase(flags.url, flags.name)),
  ls: verb('lists the databases', { url }, async (_host, flags) => ({ databases: await listDatabases(flags.url) })),
  reset: verb('empties the database and makes its schema anew', { url, yes: z.boolean().default(false) }, (host, flags) => {
    if (!flags.yes) throw invalidConfig('reset removes everything in the database', 'say --yes if that is meant');
    return resetDatabase(host, flags.url);
  }),
};

const examples: Readonly<Record<string, string>> = { seed: ' --users 100000 --seed 1', reset: ' --yes', ls: ' -o json', drop: ' kept_20260131_142305_9f2c --stack load' };

/** The help of one verb, or of all. */
function usage(name: string): string {
  const of = (verb: string, { summary, flags }: Verb): string => {
    const names = Object.keys(flags.shape).map((flag) => (flag === 'yes' ? '--yes' : `--${flag} …`));
    return `  ${verb.padEnd(9)} ${summary}\n            ${names.join(' ')}`;
  };
  const known = verbs[name];
  const rows = known === undefined ? Object.entries(verbs).map(([verb, spec]) => of(verb, spec)) : [of(name, known)];
  const verb = known === undefined ? 'seed' : name;
  return `Usage: sora db ${known === undefined ? '<verb>' : name} [flags]\n\n${rows.join('\n')}\n\nWithout --url the database is that of DATABASE_URL, which no other user of this machine can read\nin the list of processes, else the running stack's.\n\nExample:\n  sora db ${verb}${examples[verb] ?? ''}\n`;
}

function nearest(name: string, known: readonly string[]): string {
  const best = known.toSorted((a, b) => distance(name, a) - distance(name, b))[0] ?? '';
  return distance(name, best) <= 3 ? `did you mean ${best}?` : `known: ${known.join(', ')}`;
}

/** Reads the flags of a verb; the URL may come by DATABASE_URL, where no list of processes shows it. @throws SoraError `invalid_config` that names every wrong flag at once */
function readFlags(host: Host, name: string, spec: Verb, args: readonly string[]): Record<string, unknown> {
  const known = Object.keys(spec.flags.shape);
  const options = Object.fromEntries(known.map((flag) => [flag, { type: flag === 'yes' ? ('boolean' as const) : ('string' as const) }]));
  const parsed = parseArgs({ args: [...args], options, strict: false, allowPositionals: true });
  const unknown = Object.keys(parsed.values).find((flag) => !known.includes(flag));
  if (unknown !== undefined) throw invalidConfig(`${name} has no flag --${unknown}`, nearest(`--${unknown}`, known.map((flag) => `--${flag}`)));
  if (parsed.positionals.length > 0) throw invalidConfig(`${name} takes no argument "${parsed.positionals[0]}"`, 'give flags only, such as --url');
  const urlDefault = host.process.env['DATABASE_URL'] || undefined;
  const result = spec.flags.safeParse({ ...(urlDefault === undefined ? {} : { url: urlDefault }), ...parsed.values });
  if (result.success) return result.data;
  const wrong = result.error.issues.map((issue) => {
    const flag = String(issue.path[0]);
    const value = parsed.values[flag];
    return value === undefined ? `--${flag} is missing${flag === 'url' ? ', and so is DATABASE_URL' : ''}` : `--${flag} is "${String(value)}": ${issue.message}`;
  });
  throw invalidConfig(wrong.join('; '), `${name} takes ${known.map((flag) => `--${flag}`).join(', ')}`);
}

/** Runs one command line and answers its exit code. */
export async function run(host: Host, args: readonly string[]): Promise<number> {
  const [name = '', ...rest] = args;
  if (name === '' || name === 'help' || args.includes('--help') || args.includes('-h')) {
    host.stdout.write(usage(name));
    return name === '' ? exitCodes.invalidConfig : exitCodes.pass;
  }
  try {
    const spec = verbs[name];
    if (spec === undefined) throw invalidConfig(`there is no verb ${name}`, nearest(name, Object.keys(verbs)));
    host.stdout.write(`${JSON.stringify(await spec.run(host, readFlags(host, name, spec, rest)))}\n`);
    return exitCodes.pass;
  } catch (error) {
    host.stderr.write(renderError(error));
    return error instanceof SoraError ? error.exitCode : exitCodes.generic;
  }
}

if (import.meta.main) {
  const host = createNodeHost();
  // The server rolls back what is under way when the connections go.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) host.process.onSignal(signal, () => host.process.exit(exitCodes.interrupted));
  host.process.setExitCode(await run(host, host.process.argv));
}
