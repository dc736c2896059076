import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { startFakeAvalo } from '../k6/fixtures/avalo.ts';
import type { FakeFaults } from '../k6/fixtures/avalo.ts';
import { makeLoadPlace, whyNoK6 } from '../k6/fixtures/run-load.ts';
import type { LoadPlace } from '../k6/fixtures/run-load.ts';
import { sampleFacts, sampleRun } from '../report/sample.ts';
import { buildSummary } from '../report/summary.ts';
import { summarySchema } from '../report/summary-schema.ts';
import type { Summary } from '../report/summary-schema.ts';
import { RunStore } from '../runs/store.ts';
import { createHttpClient } from '../swarm/http-client.ts';
import { findChromium } from './chromium.ts';
import { startApi } from './fixtures/api.ts';
import { listenAt, pageThatAsks } from './fixtures/elsewhere.ts';

const host = createNodeHost();
const reason = (await whyNoK6(host)) ?? (findChromium(host) === undefined ? 'no Chromium is on the PATH, and CHROMIUM_PATH is not set' : undefined);

let place: LoadPlace;
/** The documentation as the api serves it; the mix runs against a server that needs no database. */
let pages: NonNullable<FakeFaults['pages']>;

beforeAll(async () => {
  if (reason !== undefined) return;
  place = await makeLoadPlace(host, true);
  await using api = await startApi(host);
  using http = await createHttpClient(host, api.url);
  const [docs, openapi] = await Promise.all(['/docs', '/openapi.json'].map((path) => http.request({ method: 'GET', path })));
  pages = { '/docs': { type: 'text/html', text: String(docs?.body) }, '/openapi.json': { type: 'application/json', text: String(openapi?.body) } };
  new RunStore(host, `${place.home}/runs`).save(buildSummary(sampleRun(), sampleFacts()));
}, 60_000);
afterAll(() => place?.[Symbol.dispose]());

/** Runs browsers for 8 s against a server with these pages. */
async function browse(served: NonNullable<FakeFaults['pages']>): Promise<{ code: number | null; summary: Summary; stderr: string }> {
  await using avalo = await startFakeAvalo(host, { pages: served });
  const { code, stdout, stderr } = await place.run(['browser', '--users', '40', '--think', '4s', '--duration', '8s', '-o', 'json', '--quiet'], avalo.url);
  return { code, stderr, summary: summarySchema.parse(JSON.parse(stdout === '' ? JSON.stringify(stderr) : stdout)) };
}

const measured = (summary: Summary, expression: string): number | null => summary.thresholds.find((threshold) => threshold.expression === expression)?.measured ?? null;

describe.skipIf(reason !== undefined)(`sora load browser${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  it('measures Web Vitals of the documentation and a report while the mix runs', async () => {
    const { code, summary, stderr } = await browse(pages);
    expect(stderr).toContain('read the documentation and the latest report');
    // A busy machine may miss a vital or time out once; that they are measured, and the pages right, is the claim.
    expect([0, 99]).toContain(code);
    expect(summary.scenario).toBe('k6-browser');
    expect(measured(summary, 'browser_journey_failed: rate<0.01')).toBeLessThan(0.5);
    expect(measured(summary, 'browser_web_vital_lcp: p(75)<2500')).toBeGreaterThan(0);
    expect(measured(summary, 'browser_web_vital_ttfb: p(75)<800')).toBeGreaterThan(0);
    expect(summary.operations.total).toBeGreaterThan(0);
    expect(summary.errors.filter(({ kind }) => kind !== 'check: the journey ends without an error')).toEqual([]);
  }, 90_000);

  it('fails where a page is not what it should be, and lets it reach nobody else', async () => {
    await using other = await listenAt('127.0.0.2', 0, '');
    const asks = pageThatAsks(`http://127.0.0.2:${other.port}`);
    const { code, summary } = await browse({ '/docs': { type: 'text/html', text: `<title>Other</title><main><details open><summary>x</summary><div class="in">200</div></details></main>${asks}` } });
    expect(other.seen).toEqual([]);
    expect(code).toBe(99);
    expect(measured(summary, 'browser_journey_failed: rate<0.01')).toBeGreaterThan(0);
    expect(summary.errors.map(({ op, kind }) => `${op}, ${kind}`)).toContain('browser docs, check: the documentation has its title');
  }, 90_000);
});
