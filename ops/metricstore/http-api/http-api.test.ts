import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import express from 'express';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findReferences } from '../../../tests/go-tools.ts';
import { createNodeHost } from '../../core/node-host.ts';
import { goTools } from '../../core/tools.ts';
import { randomSeries, seriesSpan, sourceOf } from '../reference/random-series.ts';
import { startPrometheus } from '../reference/prometheus.ts';
import type { ReferencePrometheus } from '../reference/prometheus.ts';
import { prometheusRoutes } from './routes.ts';

const host = createNodeHost();
const { prometheus, promtool } = goTools;
const references = await findReferences(host, { prometheus, promtool });
const isHere = typeof references !== 'string';
const series = randomSeries(7);
const names = [...new Set(series.map(({ labels }) => labels['__name__'] ?? ''))].sort();
const [name = ''] = names;
const endS = Math.floor(seriesSpan.endMs / 1_000);
let server: Server;
let url = '';

const rules = { groups: [
  { name: 'one', file: 'a.yaml', interval: 5, rules: [{ type: 'alerting' as const, name: 'Down', labels: { severity: 'high' }, alerts: [{ value: '1e+00' }] }, { type: 'recording' as const, name: 'a:b', labels: {} }] },
  { name: 'two', file: 'b.yaml', interval: 5, rules: [{ type: 'recording' as const, name: 'c:d', labels: {} }] },
] };

beforeAll(async () => {
  const target = { job: 'api', instance: '127.0.0.1:1', url: 'http://127.0.0.1:1/metrics', labels: {}, intervalMs: 5_000, timeoutMs: 4_000, authorization: 'Bearer secret' };
  const app = express().use('/api/v1', prometheusRoutes({
    host, source: sourceOf(series), rules: () => rules, alerts: () => ({ alerts: [] }), version: '1.2.3', config: () => 'scrape: {}',
    targets: () => [{ target, labels: { job: 'api', instance: '127.0.0.1:1' }, health: 'down', lastError: 'refused', lastScrapeMs: 1_000, lastScrapeDurationMs: 12 }],
    limits: { samplesMax: 1_000_000, answerPointsMax: 20_000 },
  }));
  server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** Asks by GET, or by POST with the part behind the question mark as a form. */
async function ask(base: string, path: string, method = 'GET'): Promise<Answer> {
  const [endpoint = '', form = ''] = path.split('?');
  const init = method === 'GET' ? {} : { method, body: form, headers: { 'content-type': 'application/x-www-form-urlencoded' } };
  const reply = await fetch(`${base}/api/v1/${method === 'GET' ? path : endpoint}`, init);
  return { status: reply.status, body: await reply.json() };
}

/** Without the words for a mistake in syntax, which are the parser's own, and the order of warnings, which is any. */
function alike({ status, body }: Answer): Answer {
  const { error, warnings, ...rest } = body as { error?: string; warnings?: string[] };
  return { status, body: { ...rest, error: error?.replace(/(?:\d+:\d+|unknown position): parse error: .*/, 'parse error'), warnings: warnings?.toSorted() } };
}

const encode = encodeURIComponent;
const requests = [
  ...[name, `sum by (job) (rate(${name}[5m]))`, `${name} offset 1m`, '1', '"text"', `${name}[2m]`, '-1 / 0', '0 / 0', '1e-7 + 0', '-0 * 1', '123456789012345680000000 + 0', `histogram_quantile(2, ${name})`, `rate(${name}[1m]) + on() 5`,
  ].map((query) => `query?query=${encode(query)}&time=${endS - 60}`),
  `query?query=${name}&time=${new Date((endS - 60) * 1_000).toISOString()}`, `query?query=${name}&time=${endS - 60}.250`, `query?query=${name}&time=${endS}&limit=2`, `query?query=up&time=${endS}&limit=x`, 'query?query=up&limit=-1',
  'query?query=', `query?query=sum(`, 'query?query=foo%5B', 'query?query=1&time=yesterday', 'query?query=1&timeout=soon', 'query?query=1&lookback_delta=x', `query?query=${name}&time=${endS}&lookback_delta=1s`,
  `query?query=${encode('label_replace(up, "", "", "", "x")')}`,
  `query_range?query=${name}&start=${endS - 600}&end=${endS}&step=30`, `query_range?query=${encode(`rate(${name}[2m])`)}&start=${endS - 600}&end=${endS}&step=1m30s`, `query_range?query=1&start=${endS - 60}&end=${endS}&step=15&limit=1`,
  `query_range?query=${name}&start=${endS - 600}&end=${endS}&step=60&limit=1`,
  'query_range?query=1', 'query_range?query=1&start=1', 'query_range?query=1&start=2&end=1&step=1', 'query_range?query=1&start=1&end=2&step=0', 'query_range?query=1&start=1&end=2&step=-5m', 'query_range?query=1&start=1&end=2&step=x',
  'query_range?query=1&start=0&end=11000&step=1', 'query_range?query=1&start=0&end=11001&step=1', `query_range?query=${encode(`${name}[5m]`)}&start=1&end=2&step=1`, 'query_range?query="a"&start=1&end=2&step=1', 'query_range?query=)&start=1&end=2&step=1',
  'labels', `labels?match[]=${name}`, `labels?match[]=${encode('{job=~".+"}')}&limit=1`, 'labels?match[]={}', 'labels?match[]=foo%5B5m%5D&start=x', `labels?start=0&end=1`,
  'label/__name__/values', `label/job/values?match[]=${name}&match[]=${encode(`{__name__="${names[1]}"}`)}`, 'label/job/values?limit=1', 'label/job/values?limit=y', 'label/nope/values', 'label/job/values?match[]={x=~".*"}',
  'series', `series?match[]=${name}`, `series?match[]=${name}&match[]=${names[1]}&start=${endS - 3_600}&end=${endS}`, 'series?match[]={}', 'series?match[]=(', `series?match[]=${name}&start=1&end=2`, `series?match[]=${name}&start=x`,
  'format_query?query=sum(up)+by+(job)', 'format_query?query=)', `query_exemplars?query=${name}`, 'alerts', 'targets?state=dropped', 'alertmanagers',
];

const between = ['--start', String(endS - 3_600), '--end', String(endS)];

describe.skipIf(!isHere)(`the HTTP API beside a real Prometheus${isHere ? '' : ` (skipped: ${references})`}`, () => {
  let reference: ReferencePrometheus;
  beforeAll(async () => {
    if (typeof references === 'string') return;
    reference = await startPrometheus(host, { prometheus: references.prometheus.path, promtool: references.promtool.path }, series);
  });
  afterAll(async () => reference?.[Symbol.asyncDispose]());

  test.each(requests)('%s', async (path) => {
    expect(alike(await ask(url, path))).toEqual(alike(await ask(reference.url, path)));
  });

  test.each(requests.filter((path) => /^(query|query_range|labels|series)\?/.test(path)))('by form: %s', async (path) => {
    expect(alike(await ask(url, path, 'POST'))).toEqual(alike(await ask(reference.url, path, 'POST')));
  });

  test.each([
    ['instant', '--time', String(endS - 60), '', `sum by (job) (${name})`],
    ['range', '--start', String(endS - 600), '--end', String(endS), '--step', '1m', '', name],
    ['series', ...between, '--match', name, ''],
    ['labels', ...between, '', 'job'],
    ['labels', ...between, '', '__name__'],
    ['instant', '', 'rate(up)'],
  ])('promtool query %s says the same of both', async (...args: string[]) => {
    if (typeof references === 'string') return;
    const { path } = references.promtool;
    const [own, theirs] = await Promise.all([url, reference.url].map(async (base) => {
      const run = promisify(execFile)(path, ['query', ...args.map((argument) => (argument === '' ? base : argument))]);
      const { stdout, stderr } = await run.catch((error: { stdout: string; stderr: string }) => error);
      return `${stdout.split('\n').sort().join('\n')}${stderr}`;
    }));
    expect(own).toBe(theirs);
    expect(own).not.toBe('');
  });
});

describe('what only this API can be asked', () => {
  test('rules are filtered by type, name, group, file and labels', async () => {
    const groupsOf = async (query: string): Promise<unknown> => ((await ask(url, `rules?${query}`)).body as { data: { groups: { name: string; rules: { name: string; alerts?: unknown[] }[] }[] } }).data.groups.map((group) => [group.name, ...group.rules.map((rule) => `${rule.name}${rule.alerts?.length ?? ''}`)]);
    expect(await groupsOf('')).toEqual([['one', 'Down1', 'a:b'], ['two', 'c:d']]);
    expect(await groupsOf('type=alert&exclude_alerts=true')).toEqual([['one', 'Down0']]);
    expect(await groupsOf('type=record&file[]=b.yaml')).toEqual([['two', 'c:d']]);
    expect(await groupsOf('rule_group[]=one&rule_name[]=Down')).toEqual([['one', 'Down1']]);
    expect(await groupsOf(`match[]=${encode('{severity="high"}')}`)).toEqual([['one', 'Down1']]);
    expect(await ask(url, 'rules?type=x')).toEqual({ status: 400, body: { status: 'error', errorType: 'bad_data', error: 'invalid parameter "type": not supported value "x"' } });
  });

  test('targets are shown without what they are asked with', async () => {
    const { body } = await ask(url, 'targets');
    expect(JSON.stringify(body)).not.toContain('secret');
    expect(body).toMatchObject({ data: { activeTargets: [{ scrapePool: 'api', health: 'down', lastError: 'refused', lastScrape: '1970-01-01T00:00:01.000Z', lastScrapeDuration: 0.012, scrapeInterval: '5s', scrapeTimeout: '4s' }], droppedTargets: [] } });
    expect((await ask(url, 'status/buildinfo')).body).toMatchObject({ status: 'success', data: { version: '1.2.3' } });
    expect((await ask(url, 'scrape_pools')).body).toEqual({ status: 'success', data: { scrapePools: ['api'] } });
  });

  test('where another server scrapes, its targets are shown, and the Alertmanager that is told', async () => {
    const there: string[] = [];
    const elsewhere = (path: string): Promise<unknown> => Promise.resolve({ theirs: there.push(path) });
    const app = express().use('/api/v1', prometheusRoutes({ host, source: sourceOf([]), rules: () => rules, alerts: () => ({}), version: '1', config: () => '', targets: () => [], elsewhere, alertmanagers: ['http://am:9093/x'] }));
    const other = createServer(app);
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const base = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
    expect((await ask(base, 'targets?state=active&scrapePool=a')).body).toEqual({ status: 'success', data: { theirs: 1 } });
    expect((await ask(base, 'scrape_pools')).body).toEqual({ status: 'success', data: { theirs: 2 } });
    expect((await ask(base, 'alertmanagers')).body).toEqual({ status: 'success', data: { activeAlertmanagers: [{ url: 'http://am:9093/x/api/v2/alerts' }], droppedAlertmanagers: [] } });
    expect(there).toEqual(['/targets?state=active&scrapePool=a', '/scrape_pools']);
    other.closeAllConnections();
    other.close();
  });

  test('a query that reads too much, and a body that is too large, are refused', async () => {
    expect(await ask(url, `query?query=${encode(`count_over_time({__name__=~".+"}[30d:1s])`)}&time=${endS}`)).toMatchObject({ status: 422, body: { errorType: 'execution', error: expect.stringContaining('too many samples') as string } });
    expect(await ask(url, `query_range?query=${encode('vector(1) or vector(2)')}&start=0&end=20001&step=2`)).toMatchObject({ status: 200 });
    expect(await ask(url, `query?query=${encode('vector(1)[20001s:1s]')}&time=${endS}`)).toEqual({ status: 422, body: { status: 'error', errorType: 'execution', error: expect.stringContaining('the answer has 20001 points, the limit is 20000') as string } });
    expect(await ask(url, `query?query=${'a'.repeat(1_048_577)}`, 'POST')).toMatchObject({ status: 413, body: { status: 'error' } });
  });
});
