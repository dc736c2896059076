import { browser } from 'k6/browser';
import { check } from 'k6';
import exec from 'k6/execution';
import { Rate, Trend } from 'k6/metrics';
import { readDocs, readReport } from '../browser/journeys.ts';
import type { Check } from '../browser/journeys.ts';
import { settings, useBrowserSuite } from './suite/settings.ts';

export { act, actFixed, setup } from './suite/mix.ts';
export { handleSummary } from './suite/summary.ts';

/** Browsers read the documentation and a report while the mix runs. */
export const options = useBrowserSuite();

const journeyDuration = new Trend('browser_journey_duration', true);
const journeyFailed = new Rate('browser_journey_failed');

/** How long a page may take over one thing. */
const stepTimeoutMs = 10_000;

/** One visit of one browser: a context of its own, like a new visitor's, for each journey. */
export async function browse(): Promise<void> {
  await visit('docs', (page, checked) => readDocs(page, checked, settings.target));
  const { reportUrl } = settings;
  if (reportUrl !== '') await visit('report', (page, checked) => readReport(page, checked, reportUrl));
}

type Page = Awaited<ReturnType<typeof browser.newPage>>;

async function visit(op: string, journey: (page: Page, checked: Check) => Promise<void>): Promise<void> {
  Object.assign(exec.vu.metrics.tags, { op, group: `::browser ${op}` });
  let failed = false;
  const checked: Check = (ok, name) => {
    check(ok, { [name]: (value) => value });
    failed ||= !ok;
  };
  const startedMs = exec.instance.currentTestRunDuration;
  try {
    // k6 lets a browser have one context at a time.
    const context = await browser.newContext();
    context.setDefaultTimeout(stepTimeoutMs);
    context.setDefaultNavigationTimeout(stepTimeoutMs);
    try {
      await journey(await context.newPage(), checked);
    } finally {
      await context.close();
    }
  } catch (error) {
    checked(false, 'the journey ends without an error');
    // oxlint-disable-next-line no-console -- k6's way to standard error
    console.warn(`${op}: ${String(error)}`);
  }
  journeyDuration.add(exec.instance.currentTestRunDuration - startedMs);
  journeyFailed.add(failed);
}
