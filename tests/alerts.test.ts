import { resolve } from 'node:path';
import { Client } from 'pg';
import { describe, expect, it, test } from 'vitest';
import { alertsReadme, alertsReadmeText } from '../ops/alerting/catalogue/alerts-readme.ts';
import { catalogue } from '../ops/alerting/catalogue/catalogue.ts';
import { readRunbook, runbookProblems } from '../ops/alerting/catalogue/runbook.ts';
import { limitOf } from '../ops/alerting/notifiers/comparison.ts';
import { loadRules } from '../ops/alerting/rules/load-rules.ts';
import { builtInMetrics, parseMetricList } from '../ops/alerting/rules/metric-list.ts';
import { renderProblem } from '../ops/alerting/rules/rule.ts';
import { readControlMigrations } from '../ops/control/migrations.ts';
import { rules } from '../ops/cli/rules.ts';
import { severities } from '../ops/alerting/alert.ts';
import { createNodeHost } from '../ops/core/node-host.ts';
import { createTestHost } from '../ops/core/test-host.ts';
import { parsePromql } from '../ops/metricstore/promql/parse.ts';
import { selectorsOf } from '../ops/metricstore/promql/expr.ts';
import { createTestDatabase } from './database.ts';

const host = createNodeHost();
const { files } = host;
const root = resolve(import.meta.dirname, '..');
const loaded = loadRules(files, [`${root}/alerts/rules/*.yaml`], { names: root });
const alerts = loaded.groups.flatMap(({ rules }) => rules.flatMap((rule) => (rule.kind === 'alert' ? [rule] : [])));
const entries = catalogue(loaded.groups);
const metrics = parseMetricList(files.readText(`${root}/alerts/metrics.json`), 'alerts/metrics.json').metrics;
const recorded = new Set(loaded.groups.flatMap(({ rules }) => rules.flatMap((rule) => (rule.kind === 'record' ? [rule.name] : []))));
const isKnown = (name: string): boolean => Object.hasOwn(metrics, name) || builtInMetrics.has(name) || recorded.has(name);
/** Names that a query asks for and nobody exports. */
const unknownIn = (query: string): string[] => selectorsOf(parsePromql(query)).map(({ name }) => name).filter((name) => !isKnown(name));

describe('the alerts that ship', () => {
  it('have no problems, and names of their own', () => {
    expect(loaded.problems.map(renderProblem)).toEqual([]);
    expect(alerts.length).toBe(new Set(alerts.map(({ name }) => name)).size);
  });

  it('pass sora rules check', async () => {
    const own = createTestHost();
    expect(await rules.run({ host: own, root, home: '/nowhere', topology: '' }, ['check']), own.written.stdout).toBe(0);
    expect(own.written.stderr).toMatch(/^\d{3} rules in \d+ files: nothing found\n$/);
  });

  it('say how severe they are, whose they are, what they mean and why', () => {
    for (const { name, labels, annotations } of alerts) {
      expect(severities, name).toContain(labels['severity']);
      expect([labels['owner'], labels['service']], name).not.toContain(undefined);
      for (const key of ['summary', 'description', 'impact', 'runbook', 'reason']) expect(annotations[key]?.length ?? 0, `${name}: ${key}`).toBeGreaterThan(3);
    }
  });

  it('end in the comparison that notifications name', () => {
    for (const { name, expression } of alerts) expect(limitOf(expression), name).toBeDefined();
  });

  it('ask in their impact for what is exported, and name its unit', () => {
    for (const { name, annotations } of alerts) {
      const impact = (annotations['impact'] ?? '').replaceAll(/\{\{.*?\}\}/g, 'x');
      expect(impact, name).toMatch(/ # \w/);
      expect(unknownIn(impact), name).toEqual([]);
    }
  });

  it('stand in alerts/README.md as they are: sora rules docs', () => {
    expect(files.readText(`${root}/${alertsReadme}`)).toBe(alertsReadmeText(files, root));
  });

  it('are apart from those that wait, which say what for', () => {
    const pending = loadRules(files, [`${root}/alerts/pending/*.yaml`]);
    expect(pending.problems.map(renderProblem)).toEqual([]);
    for (const { name, needs } of catalogue(pending.groups)) {
      expect(needs.length, name).toBeGreaterThan(20);
      expect(entries.map((entry) => entry.name)).not.toContain(name);
    }
  });
});

const runbooks = files.list(`${root}/runbooks`).filter((name) => name.endsWith('.md')).sort();
/** What else a command may begin with. */
const programs = new Set(['npx', 'curl', 'kill', 'tail', 'grep', 'du', 'openssl']);
/** What a clone does not bring and a machine may lack. */
const missing = /\b(?:psql|jq)\b/;

describe('runbooks', () => {
  it('are there for each alert, and for nothing else', () => {
    expect([...new Set(entries.map(({ runbook }) => runbook))].sort()).toEqual(runbooks.map((name) => `runbooks/${name}`));
  });

  test.each(runbooks)('%s can be followed', async (name) => {
    const runbook = readRunbook(files.readText(`${root}/runbooks/${name}`));
    expect(runbookProblems(runbook)).toEqual([]);
    expect(entries.filter((entry) => entry.runbook === `runbooks/${name}`).every((entry) => entry.name.startsWith(runbook.title))).toBe(true);
    expect(runbook.links.filter((link) => !files.exists(resolve(root, 'runbooks', link.split('#')[0] ?? '')))).toEqual([]);
    for (const { text } of runbook.commands) await checkCommand(text);
  });

  it('ask databases for what they have', async () => {
    await using database = await createTestDatabase();
    const client = new Client({ connectionString: database.url });
    await client.connect();
    try {
      await client.query(queueTables);
      for (const { sql } of readControlMigrations(host, [`${root}/ops/core/event-log/migrations`, `${root}/ops/alerting/migrations`])) await client.query(sql);
      const commands = runbooks.flatMap((name) => readRunbook(files.readText(`${root}/runbooks/${name}`)).commands);
      const statements = commands.flatMap(({ text }) => /^npx sora db query (?:--write |--control )?"(.*)"$/.exec(text)?.[1] ?? []);
      expect(statements.length).toBe(commands.filter(({ text }) => text.includes('sora db query')).length);
      for (const sql of statements) await client.query(`begin; ${sql.replace('12345', 'pg_backend_pid()').replace(/^select pg_\w+_backend.*/, 'explain $&')}; rollback`);
    } finally {
      await client.end();
    }
  });
});

/** Of the tables that the queue library makes when workers start, what runbooks ask for. */
const queueTables = `create schema pgboss; create type pgboss.job_state as enum ('created', 'retry', 'active', 'completed', 'cancelled', 'failed');
  create table pgboss.job (id uuid, name text, state pgboss.job_state, data jsonb, output jsonb, created_on timestamptz)`;

async function checkCommand(text: string): Promise<void> {
  for (const [, call = ''] of text.matchAll(/npx sora ([^|)]+)/g)) await checkSora(call.trim(), text);
  const [program = ''] = text.split(' ');
  expect(programs, text).toContain(program);
  expect(text).not.toMatch(missing);
  const query = /^npx sora query '([^']*)'/.exec(text)?.[1];
  if (query !== undefined) expect(unknownIn(query), text).toEqual([]);
}

/** The noun exists, and takes the flags. */
async function checkSora(call: string, text: string): Promise<void> {
  const [noun = ''] = call.split(' ');
  const path = `${root}/ops/cli/${noun}.ts`;
  expect(files.exists(path), text).toBe(true);
  const module = (await import(path)) as Record<string, { readonly flags?: Readonly<Record<string, { readonly short?: string }>> } | undefined>;
  const flags = module[noun]?.flags ?? {};
  for (const [, flag = ''] of call.replaceAll(/'[^']*'|"[^"]*"/g, '').matchAll(/ --([a-z-]+)/g)) expect(Object.keys(flags), text).toContain(flag);
}
