import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { renderReport } from '../report/html.ts';
import { sampleFacts, sampleRun } from '../report/sample.ts';
import { buildSummary } from '../report/summary.ts';
import { chromiumFlags, findChromium } from './chromium.ts';
import { startApi } from './fixtures/api.ts';
import type { ApiProcess } from './fixtures/api.ts';
import { readDocs, readReport } from './journeys.ts';

const host = createNodeHost();
const executablePath = findChromium(host);
const isHere = executablePath !== undefined;
const where = isHere ? '' : ' (skipped: no Chromium is on the PATH, and CHROMIUM_PATH is not set)';

let browser: Browser;
let page: Page;
/** What went wrong in the page, and where it wanted to go. */
let complaints: string[] = [];
let asked: string[] = [];
let checks: [name: string, ok: boolean][] = [];

const check = (ok: boolean, name: string): void => void checks.push([name, ok]);
const missed = (): string[] => checks.filter(([, ok]) => !ok).map(([name]) => name);

beforeAll(async () => {
  if (executablePath === undefined) return;
  browser = await chromium.launch({ executablePath, args: chromiumFlags(host).map((flag) => `--${flag}`) });
}, 60_000);
afterAll(() => browser?.close());

beforeEach(async () => {
  if (!isHere) return;
  page = await browser.newPage();
  [complaints, asked, checks] = [[], [], []];
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (request) => asked.push(request.url()));
});
afterEach(() => page?.close());

describe.skipIf(!isHere)(`the documentation of the API, in Chromium${where}`, () => {
  let api: ApiProcess;
  beforeAll(async () => {
    api = await startApi(host);
  }, 60_000);
  afterAll(() => api?.[Symbol.asyncDispose]());

  it('is read as the journey reads it, without an error and from this server alone', async () => {
    await readDocs(page, check, api.url);
    expect(missed()).toEqual([]);
    expect(checks.length).toBeGreaterThanOrEqual(5);
    expect(complaints).toEqual([]);
    expect([...new Set(asked.map((url) => new URL(url).origin))]).toEqual([api.url]);
  });

  it('lists every operation of openapi.json, and marks those that need a token', async () => {
    await page.goto(`${api.url}/docs`);
    await page.locator('main details').first().waitFor();
    const document = (await (await page.request.get(`${api.url}/openapi.json`)).json()) as { paths: Record<string, Record<string, { security?: unknown }>> };
    const operations = Object.values(document.paths).flatMap((path) => Object.values(path));
    expect(await page.locator('main details').count()).toBe(operations.length);
    expect(await page.locator('main .lock').count()).toBe(operations.filter(({ security }) => security !== undefined).length);
  });

  it('opens from the keyboard', async () => {
    await page.goto(`${api.url}/docs`);
    await page.locator('main details').first().waitFor();
    await page.locator('main details summary').first().focus();
    await page.keyboard.press('Enter');
    expect(await page.locator('main details[open]').count()).toBe(1);
  });

  it('says so when it cannot load what it shows', async () => {
    await page.route('**/openapi.json', (route) => route.fulfill({ status: 500, body: 'broken' }));
    await page.goto(`${api.url}/docs`);
    await page.getByText('Could not load').waitFor();
    expect(await page.locator('main details').count()).toBe(0);
  });
});

describe.skipIf(!isHere)(`the report of a run, in Chromium${where}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'sora-report-'));
  const path = join(folder, 'report.html');
  const summary = buildSummary(sampleRun(), sampleFacts());
  const url = pathToFileURL(path).href;
  beforeAll(() => writeFileSync(path, renderReport(summary)));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('is read as the journey reads it, and asks for nothing but itself', async () => {
    await readReport(page, check, url);
    expect(missed()).toEqual([]);
    expect(checks.length).toBeGreaterThanOrEqual(4);
    expect(complaints).toEqual([]);
    expect(asked.filter((each) => !each.startsWith('data:'))).toEqual([url]);
  });

  it('runs no script, not even one that got in', async () => {
    const hostile = renderReport(summary).replace('</main>', '<script>document.title = "taken over"</script></main>');
    const hostilePath = join(folder, 'hostile.html');
    writeFileSync(hostilePath, hostile);
    await page.goto(pathToFileURL(hostilePath).href);
    expect(await page.title()).not.toBe('taken over');
    expect(complaints.join()).toContain('Content Security Policy');
  });

  it('hands over the raw data, whole', async () => {
    await page.goto(url);
    const [download] = await Promise.all([page.waitForEvent('download'), page.locator('a.download').click()]);
    expect(download.suggestedFilename()).toBe(`${summary.runId}.json`);
    const chunks: Buffer[] = [];
    for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer);
    expect(JSON.parse(Buffer.concat(chunks).toString('utf8'))).toEqual(JSON.parse(JSON.stringify(summary)));
  });

  it('fits a narrow screen', async () => {
    await page.setViewportSize({ width: 390, height: 800 });
    await page.goto(url);
    const { scrollWidth, clientWidth } = await page.evaluate(() => ({ scrollWidth: document.documentElement.scrollWidth, clientWidth: document.documentElement.clientWidth }));
    expect(scrollWidth).toBeLessThanOrEqual(clientWidth);
  });
});
