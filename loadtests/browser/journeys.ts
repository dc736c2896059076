/**
 * What people do in a browser, written once and played twice: by k6, which measures Web Vitals while
 * the mix runs, and by Playwright, which checks that it is right. Both speak of a page in these words.
 */
export interface BrowserLocator {
  click(): Promise<unknown>;
  textContent(): Promise<string | null>;
  count(): Promise<number>;
  isVisible(): Promise<boolean>;
  first(): BrowserLocator;
}

export interface BrowserPage {
  goto(url: string): Promise<unknown>;
  waitForTimeout(ms: number): Promise<unknown>;
  title(): Promise<string>;
  locator(selector: string): BrowserLocator;
}

/** Takes what was seen and whether it is right. */
export type Check = (ok: boolean, name: string) => void;

/** Domains whose operations the documentation lists. */
const domains = ['accounts', 'ai', 'chat', 'feed', 'payments', 'profiles', 'wallet'];
const operationsMin = 30;

/** Looks again until something is there, at most 10 s: k6 2.2's own wait was seen to miss it on a busy machine. */
async function untilThere(page: BrowserPage, locator: BrowserLocator): Promise<void> {
  for (let looks = 0; looks < 100 && (await locator.count()) === 0; looks++) await page.waitForTimeout(100);
}

/** Opens the documentation of the API, sees every domain, and unfolds the first operation. */
export async function readDocs(page: BrowserPage, check: Check, origin: string): Promise<void> {
  await page.goto(`${origin}/docs`);
  const operations = page.locator('main details');
  await untilThere(page, operations);
  check((await page.title()) === 'Avalo API', 'the documentation has its title');
  check((await operations.count()) >= operationsMin, 'the documentation lists the operations');
  const text = ((await page.locator('main').textContent()) ?? '').toLowerCase();
  check(domains.every((domain) => text.includes(domain)), 'the documentation names every domain');
  await page.locator('main details summary').first().click();
  const unfolded = page.locator('main details[open] .in').first();
  const unfolds = await unfolded.isVisible();
  check(unfolds, 'an operation unfolds');
  // What is not there would be waited for.
  if (unfolds) check(/\d{3}/.test((await unfolded.textContent()) ?? ''), 'an unfolded operation says how it answers');
}

/** Opens the report of a run, reads its verdict and unfolds a chart's table. */
export async function readReport(page: BrowserPage, check: Check, url: string): Promise<void> {
  await page.goto(url);
  check(/^(PASS|FAIL|INSUFFICIENT) · /.test(await page.title()), 'the title of the report begins with the verdict');
  const verdict = (await page.locator('.verdict .word').first().textContent()) ?? '';
  check(/PASS|FAIL|INSUFFICIENT/.test(verdict), 'the report says its verdict in a word');
  check((await page.locator('section h2').count()) >= 5, 'the report has its sections');
  const folded = page.locator('figure details summary');
  if ((await folded.count()) === 0) return;
  await folded.first().click();
  check(await page.locator('figure details[open] table').first().isVisible(), 'a chart unfolds into its table');
}
