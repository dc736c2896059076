import { invalidConfig } from '../core/error.ts';
import { readSecrets } from '../supervisor/secrets.ts';
import { readLiveStack } from '../supervisor/stack-state.ts';
import type { Command, Context } from './command.ts';
import { suggest } from './command.ts';
import { runEntry } from './entry.ts';
import { stackDir } from './up.ts';

const verbs = ['seed', 'migrate', 'reset', 'ls'] as const;
export const seedingEntry = 'services/seeding/main.ts';

export const db: Command = {
  name: 'db',
  summary: 'Fills, migrates, resets and lists databases',
  usage: 'sora db seed|migrate|reset|ls [flags]',
  flags: {},
  examples: ['sora db seed --users 100000', 'sora db seed --users 1000 --seed 7 --url postgres://me:secret@127.0.0.1:5432/avalo', 'sora db migrate', 'sora db ls'],
  details:
    'Verbs:\n  seed     fills a database with users, posts, chats and wallets: --users N, --seed S\n  migrate  brings its schema up to date\n  reset    empties it; needs --yes\n  ls       lists databases\n\nThe database is --url, else DATABASE_URL, else the one of the running stack.',
  passesThrough: verbs,
  async run(context, args) {
    const [verb, ...rest] = args;
    if (verb === undefined || !verbs.some((known) => known === verb)) {
      throw invalidConfig(verb === undefined ? 'sora db needs a verb' : `sora db has no verb ${verb}`, suggest(verb ?? '', verbs) ?? `verbs: ${verbs.join(', ')}`);
    }
    const isHelp = rest.includes('--help') || rest.includes('-h');
    const hasUrl = rest.some((argument) => argument === '--url' || argument.startsWith('--url='));
    const url = isHelp || hasUrl ? [] : ['--url', findDatabase(context)];
    const { exitCode } = await runEntry(context, seedingEntry, [verb, ...url, ...rest]);
    return exitCode;
  },
};

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
