import { chromium } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { chromiumFlags, fenceFlag, findChromium } from './chromium.ts';
import { listenAt, pageThatAsks } from './fixtures/elsewhere.ts';
import type { Listener } from './fixtures/elsewhere.ts';

const host = createNodeHost();
const executablePath = findChromium(host);
const where = executablePath === undefined ? ' (skipped: no Chromium is on the PATH, and CHROMIUM_PATH is not set)' : '';

/** Opens a page of this machine that asks another address, which listens on the same port; answers whom each server saw. */
async function visit(flags: readonly string[], name = '127.0.0.1', address = '127.0.0.1'): Promise<{ own: readonly string[]; other: readonly string[] }> {
  await using other = await listenAt('127.0.0.2', 0, 'other');
  await using own: Listener = await listenAt(address, other.port, pageThatAsks(`http://127.0.0.2:${other.port}`));
  const browser = await chromium.launch({ ...(executablePath === undefined ? {} : { executablePath }), args: [...chromiumFlags(host), ...flags].map((flag) => `--${flag}`) });
  try {
    const page = await browser.newPage();
    await page.goto(`http://${name}:${own.port}/page`);
    await page.waitForFunction(() => document.title === 'asked');
  } finally {
    await browser.close();
  }
  return { own: [...own.seen], other: [...other.seen] };
}

const asked = ['GET /fetched', 'GET /frame', 'GET /image', 'upgrade /socket'];

describe.skipIf(executablePath === undefined)(`a browser behind the fence${where}`, () => {
  it('reaches no address but the target’s, by request, frame or WebSocket', async () => {
    const { own, other } = await visit([fenceFlag('127.0.0.1')]);
    expect(other).toEqual([]);
    expect(own).toEqual(expect.arrayContaining(['GET /page', ...asked]));
  }, 60_000);

  it('reaches the target under a name that means nothing else, at an address of IPv6 too', async () => {
    const { own, other } = await visit([fenceFlag('::1')], 'staging.invalid', '::1');
    expect(other).toEqual([]);
    expect(own).toContain('GET /page');
  }, 60_000);

  it('would reach the other without it', async () => {
    const { other } = await visit([]);
    expect(other).toEqual(expect.arrayContaining(['connection', ...asked]));
  }, 60_000);
});
