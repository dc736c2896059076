import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Host } from '../../core/host.ts';
import { createTestHost } from '../../core/test-host.ts';
import { RawStore } from '../raw-store/raw-store.ts';
import { ScrapeLoop } from './scrape-loop.ts';
import { offsetMs, targetKey } from './target.ts';
import type { ScrapeTarget, TargetState } from './target.ts';

const all = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };
let server: Server;
let target: ScrapeTarget;
let page: string | ((request: IncomingMessage, response: ServerResponse) => void);
let requests: IncomingMessage[];

beforeEach(async () => {
  page = '';
  requests = [];
  server = createServer((request, response) => {
    requests.push(request);
    if (typeof page === 'function') return page(request, response);
    response.setHeader('content-type', 'text/plain; version=0.0.4');
    response.end(page);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  target = { job: 'api', instance: 'api-1', url: `http://127.0.0.1:${port}/metrics`, labels: { zone: 'a' }, intervalMs: 5_000, timeoutMs: 4_000, authorization: 'Bearer secret' };
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function start(limits = {}): { host: ReturnType<typeof createTestHost>; store: RawStore; loop: ScrapeLoop; scraped: (count?: number) => Promise<TargetState> } {
  const host = createTestHost();
  const store = new RawStore();
  const states: TargetState[] = [];
  let heard: (() => void) | undefined;
  const loop = new ScrapeLoop({ host, store, limits, onScraped: (state) => {
    states.push(state);
    heard?.();
  } });
  loop.setTargets([target]);
  return { host, store, loop, async scraped() {
    const before = states.length;
    await host.advance(untilDue(host));
    while (states.length === before) await new Promise<void>((resolve) => (heard = resolve));
    return states.at(-1) ?? { target, labels: {}, health: 'unknown', lastError: '', lastScrapeMs: 0, lastScrapeDurationMs: 0 };
  } };
}

/** To the next scrape and no further: what the network takes is no time of the host's. */
function untilDue(host: Host): number {
  const sinceMs = (host.clock.nowMs() - offsetMs(targetKey(target), 5_000)) % 5_000;
  return 5_000 - sinceMs;
}

/** Values of a series in order; a marker is `stale`. */
async function valuesOf(store: RawStore, name: string): Promise<(number | 'stale')[]> {
  const [series] = await store.select([{ name: '__name__', operator: '=', value: name }], all);
  return [...(series?.values ?? [])].map((value, index) => (series?.stale?.[index] === 1 ? 'stale' : value));
}

describe('the scrape loop', () => {
  it('tries new targets soon where asked to, and then keeps to their offsets', async () => {
    const host = createTestHost();
    const scrapedAtMs: number[] = [];
    const second = Promise.withResolvers<void>();
    const loop = new ScrapeLoop({ host, store: new RawStore(), firstWithinMs: 200, onScraped: ({ lastScrapeMs }) => scrapedAtMs.push(lastScrapeMs) === 2 && second.resolve() });
    const startMs = host.clock.nowMs();
    loop.setTargets([target]);
    await host.advance(200);
    await loop.tried();
    expect(scrapedAtMs).toEqual([startMs + Math.round((offsetMs(targetKey(target), 5_000) / 5_000) * 200)]);
    await host.advance(untilDue(host));
    await second.promise;
    expect(((scrapedAtMs[1] ?? 0) - offsetMs(targetKey(target), 5_000)) % 5_000).toBe(0);
    loop.setTargets([{ ...target, instance: 'never scraped' }]);
    const gone = loop.tried();
    loop.setTargets([]);
    await gone;
    await loop.stop();
  });

  it('stores what a target exposes, with its labels, and what the scrape was like', async () => {
    const { store, loop, scraped } = start();
    page = '# HELP hits So many\n# TYPE hits counter\nhits{job="mine",exported_job="theirs",path="/"} 3\nother 4\n';
    expect(await scraped()).toMatchObject({ health: 'up', lastError: '' });
    page = 'hits{job="mine",exported_job="theirs",path="/"} 5\nother 4\n';
    const { lastScrapeMs } = await scraped();
    expect((lastScrapeMs - offsetMs(targetKey(target), 5_000)) % 5_000).toBe(0);
    const [hits] = await store.select([{ name: '__name__', operator: '=', value: 'hits' }], all);
    expect(hits?.labels).toEqual({ __name__: 'hits', job: 'api', instance: 'api-1', zone: 'a', exported_job: 'theirs', exported_exported_job: 'mine', path: '/' });
    expect([...(hits?.timestampsMs ?? [])]).toEqual([lastScrapeMs - 5_000, lastScrapeMs]);
    expect(await valuesOf(store, 'hits')).toEqual([3, 5]);
    expect(await valuesOf(store, 'up')).toEqual([1, 1]);
    expect(await valuesOf(store, 'scrape_samples_scraped')).toEqual([2, 2]);
    expect(await valuesOf(store, 'scrape_samples_post_metric_relabeling')).toEqual([2, 2]);
    expect(await valuesOf(store, 'scrape_series_added')).toEqual([2, 0]);
    expect((await valuesOf(store, 'scrape_duration_seconds')).length).toBe(2);
    expect(await store.metadata('hits')).toEqual([{ name: 'hits', type: 'counter', help: 'So many', unit: '' }]);
    expect(requests[0]?.headers).toMatchObject({ authorization: 'Bearer secret', 'accept-encoding': 'identity' });
    expect(requests[0]?.socket).toBe(requests[1]?.socket);
    await loop.stop();
  });

  it('marks series that are missing from a page, once, and takes them up again', async () => {
    const { store, loop, scraped } = start();
    for (page of ['a 1\nb{x="1",y="2"} 1\nc 1 1767225600000\n', 'b{y="2",x="1"} 2\n', 'b{y="2",x="1"} 3\n', 'a 4\nb{y="2",x="1"} 4\n']) await scraped();
    expect(await valuesOf(store, 'a')).toEqual([1, 'stale', 4]);
    expect(await valuesOf(store, 'b')).toEqual([1, 2, 3, 4]);
    // A sample with a time of its own is not marked, as in Prometheus.
    expect(await valuesOf(store, 'c')).toEqual([1]);
    await loop.stop();
  });

  it('says that a target is down, ends its series, and stores nothing of a page that is wrong', async () => {
    const { store, loop, scraped } = start();
    page = 'a 1\n';
    await scraped();
    page = 'a 2\nb two\n';
    expect(await scraped()).toMatchObject({ health: 'down', lastError: 'line 2: "two" is no value' });
    page = (_, response) => void response.writeHead(503).end();
    expect((await scraped()).lastError).toBe('the target answers with status 503 Service Unavailable');
    page = (request) => void request.socket.destroy();
    expect((await scraped()).health).toBe('down');
    page = (_, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>');
    expect((await scraped()).lastError).toContain('"text/html"');
    page = 'a 5\n';
    expect(await scraped()).toMatchObject({ health: 'up', lastError: '' });
    expect(await valuesOf(store, 'a')).toEqual([1, 'stale', 5]);
    expect(await valuesOf(store, 'up')).toEqual([1, 0, 0, 0, 0, 1]);
    await loop.stop();
  });

  it('does not wait longer than the timeout, nor scrape a target twice at a time', async () => {
    const { host, loop, store } = start();
    const asked = new Promise<void>((resolve) => (page = () => resolve()));
    await host.advance(untilDue(host));
    await asked;
    await host.advance(3_999);
    expect(loop.targets()[0]?.health).toBe('unknown');
    await host.advance(1);
    while (loop.targets()[0]?.health === 'unknown') await new Promise((resolve) => setImmediate(resolve));
    expect(loop.targets()[0]).toMatchObject({ health: 'down', lastError: 'no answer within 4000 ms', lastScrapeDurationMs: 4_000 });
    expect(await valuesOf(store, 'up')).toEqual([0]);
    expect(requests.length).toBe(1);
    await loop.stop();
  });

  it('reads packed pages, and none beyond the limit, packed or not', async () => {
    const { loop, store, scraped } = start({ bodyBytesMax: 10_000 });
    const packed = (text: string): typeof page => (_, response) => void response.writeHead(200, { 'content-type': 'text/plain', 'content-encoding': 'gzip' }).end(gzipSync(text));
    page = packed('a 7\n');
    expect((await scraped()).health).toBe('up');
    expect(await valuesOf(store, 'a')).toEqual([7]);
    page = packed(' '.repeat(20_000));
    expect((await scraped()).lastError).toBe('the target answers with more than 10000 bytes');
    page = 'a 1\n'.repeat(5_000);
    expect((await scraped()).lastError).toBe('the target answers with more than 10000 bytes');
    await loop.stop();
  });

  it('refuses a page of too many samples', async () => {
    const { loop, scraped } = start({ samplesMax: 2 });
    page = 'a 1\nb 2\nc 3\n';
    expect((await scraped()).lastError).toBe('the target answers with more than 2 samples');
    await loop.stop();
  });

  it('ends the series of a target that is no more, and leaves the others alone', async () => {
    const { loop, store, scraped } = start();
    page = 'a 1\n';
    await scraped();
    loop.setTargets([{ ...target, authorization: undefined }]);
    await scraped();
    expect(requests[1]?.headers.authorization).toBeUndefined();
    loop.setTargets([]);
    expect(await valuesOf(store, 'a')).toEqual([1, 1, 'stale']);
    expect(await valuesOf(store, 'up')).toEqual([1, 1, 'stale']);
    expect(loop.targets()).toEqual([]);
    await loop.stop();
  });

  it('goes on with its series after a restart', async () => {
    const { loop, store, scraped } = start();
    page = 'a 1\n';
    await scraped();
    await loop.stop();
    expect(await valuesOf(store, 'a')).toEqual([1]);
  });

  it('refuses targets it cannot scrape, all at once', () => {
    const { loop } = start();
    expect(() => loop.setTargets([{ ...target, url: 'ftp://x' }, { ...target, timeoutMs: 6_000 }, { ...target, intervalMs: 10 }])).toThrow(/http:\/\/ or https[^]*the timeout 6000 ms[^]*the interval 10 ms/);
  });

  it('forgets the texts of series that come and go', async () => {
    const { loop, store, scraped } = start();
    for (let round = 0; round < 4; round++) {
      page = Array.from({ length: 1_500 }, (_, index) => `churn{id="${round}-${index}"} ${round}\n`).join('') + `stays ${round}\n`;
      await scraped();
    }
    expect(await valuesOf(store, 'stays')).toEqual([0, 1, 2, 3]);
    const [first] = await store.select([{ name: 'id', operator: '=', value: '2-7' }], all);
    expect([...(first?.stale ?? [])]).toEqual([0, 1]);
    await loop.stop();
  });
});
