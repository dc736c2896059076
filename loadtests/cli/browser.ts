import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Host } from '../../ops/core/host.ts';
import { chromiumFlags, fenceFlag, requireChromium } from '../browser/chromium.ts';
import { readBrowserOptions } from '../k6/runner/arguments.ts';
import { planBrowsers, planSuite } from '../k6/suite/plan.ts';
import { announcePlan, launchSuite } from './k6.ts';
import { openRunStore } from './run.ts';

/** `plan-browser`: what a run with browsers needs; k6 and Chromium are there when this ends well. */
export async function planBrowserCommand(host: Host, args: readonly string[]): Promise<number> {
  const { browsers, mayInstall, ...options } = readBrowserOptions(args);
  requireChromium(host, mayInstall);
  return await announcePlan(host, options, planBrowsers(planSuite('smoke', options.changes), browsers));
}

/**
 * `browser`: real browsers read the API's documentation and the latest report while the mix runs, and
 * k6 measures their Web Vitals; answers the exit code.
 */
export async function browserCommand(host: Host, args: readonly string[]): Promise<number> {
  const { browsers, mayInstall, ...options } = readBrowserOptions(args);
  const chromium = requireChromium(host, mayInstall);
  const reportPath = join(openRunStore(host).folder, 'latest', 'report.html');
  const hasReport = host.files.exists(reportPath);
  host.stderr.write(`  ${browsers} ${browsers === 1 ? 'browser' : 'browsers'} (${chromium}) read the documentation${hasReport ? ' and the latest report' : '; no run is kept, so no report is read'}\n`);
  return await launchSuite(host, {
    options, plan: planBrowsers(planSuite('smoke', options.changes), browsers), script: 'browser.ts',
    env: (fence) => ({
      SORA_BROWSERS: String(browsers), SORA_REPORT_URL: hasReport ? pathToFileURL(reportPath).href : '',
      K6_BROWSER_EXECUTABLE_PATH: chromium, K6_BROWSER_HEADLESS: 'true', K6_BROWSER_ARGS: [...chromiumFlags(host), fenceFlag(fence.address)].join(','),
    }),
  });
}
