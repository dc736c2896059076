import { launchJourneys } from '../../scenarios/launch-mix/journeys.ts';
import { launchThresholds } from '../../scenarios/launch-mix/thresholds.ts';
import type { Options } from 'k6/options';
import { vitalThresholds } from '../../browser/vitals.ts';
import { browserScenario, optionsOf } from './options.ts';
import { planBrowsers, planSuite } from './plan.ts';
import type { SuiteName, SuitePlan } from './plan.ts';
import { requireOwn } from './own-target.ts';

/** What a run of k6 is told through its environment; `sora load k6` fills it in, and so may anyone. */
export interface Settings {
  /** Address without path, such as http://127.0.0.1:3000. */
  readonly target: string;
  /** Where the admin endpoints are; default the target, '' where a file of sessions is given. */
  readonly adminUrl: string;
  /** '' where a file of sessions is given instead. */
  readonly adminSecret: string;
  /** A file with one access token a line, user 0 first; '' for none. */
  readonly sessionsPath: string;
  readonly seed: number;
  /** 8 hex digits that begin every write's id. */
  readonly run: string;
  /** A report for the browsers to read, such as file:///…/report.html; '' for none. */
  readonly reportUrl: string;
  /** Whether k6 was started without us, who tell how it ended. */
  readonly isAlone: boolean;
  /** Where the summary is written. */
  readonly summaryPath: string;
}

/** A whole number from the environment; undefined where it is not set. */
function whole(name: string): number | undefined {
  const text = __ENV[name];
  if (text === undefined || text === '') return undefined;
  if (!/^\d{1,12}$/.test(text)) throw new Error(`${name}="${text}" is not a whole number of at most 12 digits`);
  return Number(text);
}

/** Hosts besides this machine that may be loaded; `sora load k6` puts in what it has judged. */
const staging = __ENV['SORA_STAGING'] ?? '';
const sessionsPath = __ENV['SORA_SESSIONS'] ?? '';

export const settings: Settings = {
  target: requireOwn('SORA_TARGET', __ENV['SORA_TARGET'] ?? 'http://127.0.0.1:3000', staging),
  // Whoever hands over sessions needs no admin, who may be elsewhere.
  adminUrl: sessionsPath === '' ? requireOwn('SORA_ADMIN_URL', __ENV['SORA_ADMIN_URL'] ?? __ENV['SORA_TARGET'] ?? 'http://127.0.0.1:3000', staging) : '',
  adminSecret: __ENV['SORA_ADMIN_SECRET'] ?? '',
  sessionsPath,
  seed: whole('SORA_SEED') ?? 1,
  run: __ENV['SORA_RUN_DIGITS'] ?? '6b360000',
  reportUrl: __ENV['SORA_REPORT_URL'] ?? '',
  isAlone: __ENV['SORA_K6_SUMMARY'] === undefined,
  summaryPath: __ENV['SORA_K6_SUMMARY'] ?? 'k6-summary.json',
};

let current: SuitePlan | undefined;

/** Makes a suite the one of this run; answers what the entry exports as `options`. */
export function useSuite(name: SuiteName): Options {
  current = planSuite(name, { users: whole('SORA_USERS'), thinkTimeMs: whole('SORA_THINK_MS'), durationMs: whole('SORA_DURATION_MS') });
  return { ...optionsOf(current, launchJourneys, launchThresholds), hosts: pinnedHosts() };
}

/** As `useSuite`, with browsers beside the mix. */
export function useBrowserSuite(): Options {
  const base = planSuite('smoke', { users: whole('SORA_USERS'), thinkTimeMs: whole('SORA_THINK_MS'), durationMs: whole('SORA_DURATION_MS') });
  current = planBrowsers(base, whole('SORA_BROWSERS'));
  const options = optionsOf(current, launchJourneys, launchThresholds);
  return {
    ...options, hosts: pinnedHosts(),
    scenarios: { ...options.scenarios, browsers: browserScenario(current) },
    thresholds: { ...options.thresholds, ...Object.fromEntries(Object.entries(vitalThresholds).map(([metric, expressions]) => [metric, [...expressions]])) },
    summaryTrendStats: [...(options.summaryTrendStats ?? []), 'p(75)'],
  };
}

/** Names and the addresses they were judged by. */
export function pinnedHosts(): Record<string, string> {
  return JSON.parse(__ENV['SORA_HOSTS'] ?? '{}') as Record<string, string>;
}

/** The suite of this run. */
export function currentPlan(): SuitePlan {
  if (current === undefined) throw new Error('the entry names no suite: export const options = useSuite(…)');
  return current;
}
