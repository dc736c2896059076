import { inject, afterAll, describe, expect, it } from 'vitest';
import { createTestHost, type TestHost } from '../../ops/core/test-host.ts';
import { createTestDatabase } from '../../tests/database.ts';
import { urlOf, withClient } from './connect.ts';
import { templateName } from './databases.ts';
import { run } from './main.ts';

const url = inject('postgresUrl');
/** Seeds that no other test uses, as templates belong to the whole server. */
const seed = 900_000;

interface Outcome {
  readonly code: number;
  readonly json: Record<string, unknown>;
  readonly stderr: string;
}
async function command(args: readonly string[], host: TestHost = createTestHost()): Promise<Outcome> {
  const code = await run(host, args);
  const { stdout, stderr } = host.written;
  return { code, json: stdout.startsWith('{') ? (JSON.parse(stdout) as Record<string, unknown>) : {}, stderr };
}
const admin = <Row extends object>(text: string): Promise<Row[]> => withClient(url, async (client) => (await client.query<Row>(text)).rows);
const namesLike = async (pattern: string): Promise<string[]> =>
  (await admin<{ name: string }>(`select datname as name from pg_database where datname ~ '${pattern}' order by 1`)).map(({ name }) => name);

afterAll(async () => {
  for (const name of await namesLike(`^(sora_template_.*_90000|seed_clone)`)) await admin(`drop database ${name} with (force)`);
});

describe('templates', () => {
  it('makes one, finds it again, clones and drops it, and lists all', async () => {
    const args = ['template', '--url', url, '--users', '20', '--seed', String(seed)];
    const made = await command(args);
    expect(made).toMatchObject({ code: 0, json: { reused: false, template: templateName(createTestHost(), { users: 20, seed }) } });
    expect((await command(args)).json).toMatchObject({ reused: true });
    const template = String(made.json['template']);
    expect(await command(['clone', '--url', url, '--template', template, '--name', 'seed_clone_1'])).toMatchObject({ code: 0, json: { name: 'seed_clone_1' } });
    expect(await withClient(urlOf(url, 'seed_clone_1'), async (client) => (await client.query('select state, users from seed_info')).rows)).toEqual([{ state: 'complete', users: 20 }]);
    const listed = (await command(['ls', '--url', url])).json['databases'] as { name: string; kind: string; users: number | null }[];
    expect(listed.find(({ name }) => name === template)).toMatchObject({ kind: 'template', users: 20, seed });
    expect(listed.find(({ name }) => name === 'seed_clone_1')).toMatchObject({ kind: 'database', users: null });
    expect((await command(['drop', '--url', url, '--name', 'seed_clone_1'])).json).toEqual({ name: 'seed_clone_1', dropped: true });
    expect((await command(['drop', '--url', url, '--name', 'seed_clone_1'])).json).toEqual({ name: 'seed_clone_1', dropped: false });
  });

  it('recognises what an interrupted run left, and makes it anew', async () => {
    const template = templateName(createTestHost(), { users: 10, seed: seed + 1 });
    const draft = `${template}_draft`;
    await admin(`create database ${draft}`);
    await withClient(urlOf(url, draft), (client) => client.query('create table accounts (half int)'));
    expect(await command(['template', '--url', url, '--users', '10', '--seed', String(seed + 1)])).toMatchObject({ code: 0, json: { template, reused: false } });
    expect(await namesLike(draft)).toEqual([]);
  });

  it('keeps the three used last', async () => {
    const host = createTestHost();
    for (const offset of [2, 3, 4, 2, 5]) {
      await host.advance(1_000);
      await run(host, ['template', '--url', url, '--users', '5', '--seed', String(seed + offset)]);
    }
    const kept = (await namesLike('^sora_template_.*_90000')).map((name) => Number(name.split('_')[3]) - seed);
    expect(kept.toSorted((a, b) => a - b)).toEqual([2, 4, 5]);
  });
});

describe('refusals', () => {
  it('does not touch a database with accounts of other origin, and says how many', async () => {
    await using test = await createTestDatabase();
    await test.db.query({ name: 'foreign', text: `insert into accounts (email, password_hash) values ('a@b.example', 'x'), ('c@d.example', 'x') returning id` });
    const refused = await command(['seed', '--url', test.url, '--users', '10']);
    expect(refused.code).toBe(104);
    expect(refused.stderr).toMatch(/^error: .*holds 2 accounts that the seeder did not make.*\n {2}.*npx sora db reset --yes, then npx sora db seed --users 10\n/);
    expect(await test.db.query({ name: 'still', text: 'select count(*) as count from accounts' })).toEqual([{ count: 2 }]);
    expect(await command(['reset', '--url', test.url])).toMatchObject({ code: 104 });
    expect(await command(['reset', '--url', test.url, '--yes'])).toMatchObject({ code: 0 });
    expect(await command(['seed', '--url', test.url, '--users', '10'])).toMatchObject({ code: 0, json: { users: 10, seed: 1, posts: 100 } });
  });

  it('names the host of an unreachable database and not the password', async () => {
    const { code, stderr } = await command(['migrate', '--url', 'postgres://me:hunter2@127.0.0.1:1/avalo']);
    expect(code).toBe(104);
    expect(stderr).toMatch(/database at 127\.0\.0\.1:1, database "avalo" cannot be reached/);
    expect(stderr).not.toContain('hunter2');
    expect((await command(['migrate', '--url', 'mysql://me:hunter2@db/x'])).stderr).not.toContain('hunter2');
  });

  it('takes the URL from DATABASE_URL, where no list of processes shows it', async () => {
    const host = createTestHost();
    const env = { ...host.process.env, DATABASE_URL: 'postgres://me:hunter2@127.0.0.1:1/by_env' };
    const { stderr } = await command(['ls'], { ...host, process: { ...host.process, env } });
    expect(stderr).toMatch(/database at 127\.0\.0\.1:1, database "by_env" cannot be reached/);
  });

  it('names every wrong flag with its value, and suggests the nearest', async () => {
    const cases: [string[], RegExp][] = [
      [['seed', '--url', url], /--users is missing/],
      [['seed', '--users', 'many'], /--url is missing, and so is DATABASE_URL; --users is "many": is not a whole number/],
      [['seed', '--url', url, '--user', '5'], /^error: seed has no flag --user\n  did you mean --users/],
      [['sed', '--url', url], /no verb sed\n  did you mean seed/],
      [['seed', '--url', url, '--users', '0'], /--users is 0, which is not a whole number from 1 to 5000000/],
      [['seed', '--url', url, '--users=-3'], /--users is -3/],
      [['drop', '--url', url, '--name', 'postgres'], /"postgres" is not usable/],
      [['clone', '--url', url, '--template', 'sora_template_none', '--name', 'x'], /no template sora_template_none/],
    ];
    for (const [args, message] of cases) {
      const { code, stderr } = await command(args);
      expect([args.join(' '), code]).toEqual([args.join(' '), 104]);
      expect(stderr).toMatch(message);
    }
  });
});

describe('urlOf', () => {
  it('changes the database in both forms of a URL', () => {
    expect(urlOf('postgres://u:p@h:5432/postgres?host=%2Ftmp%2Fs', 'x')).toBe('postgres://u:p@h:5432/x?host=%2Ftmp%2Fs');
    expect(urlOf('postgres://u@/db?host=/tmp/s', 'x')).toBe('postgres://u@/x?host=/tmp/s');
    expect(urlOf('postgresql://h', 'x')).toBe('postgresql://h/x');
  });
});
