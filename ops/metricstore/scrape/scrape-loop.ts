/** Scrapes every target at its interval, each at its own offset, never the same one twice at a time. */
import { scrapeTargetsMax } from '../../core/config.ts';
import { invalidConfig, messageOf } from '../../core/error.ts';
import type { Host, Timer } from '../../core/host.ts';
import { formatOf } from '../exposition/format.ts';
import type { RawStore } from '../raw-store/raw-store.ts';
import { MetricsFetcher } from './fetch-metrics.ts';
import { labelsOfTarget, offsetMs, targetKey } from './target.ts';
import type { ScrapeTarget, TargetState } from './target.ts';
import { TargetSeries } from './target-series.ts';

export interface ScrapeLimits {
  /** Of one page. Default 32 MiB. */
  readonly bodyBytesMax: number;
  /** Of one page. Default 200,000. */
  readonly samplesMax: number;
  /** Default `scrapeTargetsMax` of the configuration: 1,000. */
  readonly targetsMax: number;
}

export const defaultScrapeLimits: ScrapeLimits = { bodyBytesMax: 32 * 1024 * 1024, samplesMax: 200_000, targetsMax: scrapeTargetsMax };

export interface ScrapeLoopOptions {
  readonly host: Host;
  readonly store: RawStore;
  readonly limits?: Partial<ScrapeLimits>;
  /** A new target is first scraped within this time, spread over it. Default: at its own offset, within its interval. */
  readonly firstWithinMs?: number;
  /** Called after each scrape. */
  readonly onScraped?: (state: TargetState) => void;
}

/** A scrape that began no later than this after its time is stamped with its time: even steps compress better and change no rate. */
const toleranceMs = 10;

interface Running {
  target: ScrapeTarget;
  readonly key: string;
  readonly series: TargetSeries;
  fetcher: MetricsFetcher;
  timer: Timer | undefined;
  state: TargetState;
  isRemoved: boolean;
  scraping: Promise<void> | undefined;
  /** Resolves after the first scrape, however it went, or when there is to be none. */
  readonly tried: PromiseWithResolvers<void>;
}

export class ScrapeLoop {
  readonly #options: ScrapeLoopOptions;
  readonly #limits: ScrapeLimits;
  readonly #running = new Map<string, Running>();
  #isStopped = false;

  constructor(options: ScrapeLoopOptions) {
    this.#options = options;
    this.#limits = { ...defaultScrapeLimits, ...options.limits };
  }

  /**
   * Takes the targets to scrape from now on. Those that stay go on undisturbed; the series of those that are gone end.
   * @throws SoraError `invalid_config` for more than `targetsMax`, a bad address or a timeout that is not shorter than the interval
   */
  setTargets(targets: readonly ScrapeTarget[]): void {
    if (this.#isStopped) return;
    checkTargets(targets, this.#limits);
    const wanted = new Map(targets.map((target) => [targetKey(target), target]));
    for (const [key, running] of this.#running) if (!wanted.has(key)) this.#remove(running);
    for (const [key, target] of wanted) {
      const running = this.#running.get(key);
      if (running === undefined) this.#add(key, target);
      else if (isChanged(running.target, target)) this.#change(running, target);
    }
  }

  /** All targets with what their last scrape gave. */
  targets(): readonly TargetState[] {
    return [...this.#running.values()].map(({ state }) => state);
  }

  /** Resolves when each of the present targets has been scraped once, or is gone; within the interval and timeout of the slowest. */
  async tried(): Promise<void> {
    await Promise.all([...this.#running.values()].map((running) => running.tried.promise));
  }

  /** Scrapes one target now, stamped with the present time, as the loop does in turn; for tests and on demand. */
  async scrapeNow(target: ScrapeTarget): Promise<void> {
    const running = this.#running.get(targetKey(target));
    if (running === undefined) return;
    await running.scraping;
    await this.#scrape(running, this.#options.host.clock.nowMs());
  }

  /** Ends the loop and waits for scrapes under way. Series do not end: a restart goes on with them. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    const under = [...this.#running.values()];
    for (const running of under) {
      running.timer?.cancel();
      running.fetcher.close();
    }
    for (const { scraping, tried } of under) {
      await scraping;
      tried.resolve();
    }
  }

  #add(key: string, target: ScrapeTarget): void {
    const { host, store } = this.#options;
    const labels = labelsOfTarget(target);
    const running: Running = {
      target, key,
      series: new TargetSeries(store, labels, key, this.#limits.samplesMax),
      fetcher: new MetricsFetcher(host, target, this.#limits),
      timer: undefined,
      state: { target, labels, health: 'unknown', lastError: '', lastScrapeMs: 0, lastScrapeDurationMs: 0 },
      isRemoved: false,
      scraping: undefined,
      tried: Promise.withResolvers(),
    };
    this.#running.set(key, running);
    this.#schedule(running, this.#options.firstWithinMs);
  }

  #change(running: Running, target: ScrapeTarget): void {
    running.timer?.cancel();
    running.fetcher.close();
    running.fetcher = new MetricsFetcher(this.#options.host, target, this.#limits);
    running.target = target;
    running.state = { ...running.state, target };
    if (running.scraping === undefined) this.#schedule(running);
  }

  #remove(running: Running): void {
    running.isRemoved = true;
    running.tried.resolve();
    running.timer?.cancel();
    running.fetcher.close();
    this.#running.delete(running.key);
    if (running.scraping === undefined) this.#endSeries(running);
  }

  #endSeries({ series, state }: Running): void {
    // After the last sample, be it of this very moment.
    const atMs = Math.max(this.#options.host.clock.nowMs(), state.lastScrapeMs + 1);
    series.end(atMs);
    series.endReport(atMs);
  }

  #schedule(running: Running, withinMs?: number): void {
    if (running.isRemoved || this.#isStopped) return;
    const { clock, timers } = this.#options.host;
    const { intervalMs } = running.target;
    const nowMs = clock.nowMs();
    const offset = offsetMs(running.key, intervalMs);
    const isSpread = withinMs !== undefined && withinMs < intervalMs;
    const dueMs = isSpread ? nowMs + Math.round((offset / intervalMs) * withinMs) : Math.floor((nowMs - offset) / intervalMs + 1) * intervalMs + offset;
    running.timer = timers.after(dueMs - nowMs, () => {
      const lateMs = clock.nowMs() - dueMs;
      const atMs = lateMs >= 0 && lateMs <= toleranceMs ? dueMs : clock.nowMs();
      // A timer may fire a little early; the scrape after it must not be due at once again.
      running.scraping = this.#scrape(running, lateMs < 0 && lateMs >= -toleranceMs ? dueMs : atMs).finally(() => {
        running.scraping = undefined;
        running.tried.resolve();
        if (running.isRemoved) this.#endSeries(running);
        this.#schedule(running);
      });
    });
  }

  async #scrape(running: Running, atMs: number): Promise<void> {
    const { clock } = this.#options.host;
    const startMs = clock.monotonicMs();
    const { series, fetcher } = running;
    let found = { samplesScraped: 0, seriesAdded: 0 };
    let error = '';
    try {
      const page = await fetcher.fetch();
      if (this.#isStopped || running.isRemoved) return;
      found = series.store(page.bytes, page.length, formatOf(page.contentType), atMs);
    } catch (thrown) {
      if (this.#isStopped || running.isRemoved) return;
      error = messageOf(thrown);
      series.end(atMs);
    }
    const durationMs = clock.monotonicMs() - startMs;
    series.report({ isUp: error === '', durationMs, ...found }, atMs);
    running.state = { ...running.state, health: error === '' ? 'up' : 'down', lastError: error, lastScrapeMs: atMs, lastScrapeDurationMs: durationMs };
    this.#options.onScraped?.(running.state);
  }
}

const isChanged = (a: ScrapeTarget, b: ScrapeTarget): boolean => a.intervalMs !== b.intervalMs || a.timeoutMs !== b.timeoutMs || a.authorization !== b.authorization;

/** @throws SoraError `invalid_config` with all that is wrong with them */
export function checkTargets(targets: readonly ScrapeTarget[], { targetsMax }: Pick<ScrapeLimits, 'targetsMax'> = defaultScrapeLimits): void {
  if (targets.length > targetsMax) throw invalidConfig(`${targets.length} scrape targets are more than the ${targetsMax} allowed`, 'name fewer in alerts.targets of sora.config.ts; the processes of the stack count too');
  const problems = targets.flatMap(({ job, url, intervalMs, timeoutMs }) => {
    const name = `scrape target ${job} ${url}`;
    const protocol = URL.canParse(url) ? new URL(url).protocol : '';
    return [
      ...(protocol === 'http:' || protocol === 'https:' ? [] : [`${name}: the address must begin with http:// or https://`]),
      ...(intervalMs >= 1_000 && intervalMs <= 3_600_000 ? [] : [`${name}: the interval ${intervalMs} ms must be 1 s to 1 h`]),
      ...(timeoutMs > 0 && timeoutMs <= intervalMs ? [] : [`${name}: the timeout ${timeoutMs} ms must be above 0 and at most the interval ${intervalMs} ms`]),
    ];
  });
  if (problems.length > 0) throw invalidConfig(problems.join('\n'), 'correct the scrape targets');
}
