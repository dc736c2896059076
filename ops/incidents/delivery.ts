/**
 * The delivery metrics of DORA from the deploys in the event log: deployment frequency, lead time for changes,
 * change failure rate, failed-deployment recovery time and rework rate.
 * @see https://dora.dev/guides/dora-metrics-four-keys/
 */
import type { LoggedEvent } from '../core/event-log/event.ts';
import { distributionOf } from './distribution.ts';
import type { Distribution } from './distribution.ts';

/** One deploy to the service it was made to. */
export interface Deploy {
  readonly service: string;
  readonly version: string;
  readonly commit: string;
  readonly atMs: number;
  readonly committedAtMs: number;
  readonly outcome: 'succeeded' | 'failed' | 'rolled-back';
  readonly isRework: boolean;
  /** When the log said that it had failed or was rolled back; undefined for one that stands. */
  readonly failedAtMs: number | undefined;
  /** When the service was well again: the roll-back itself, or the next deploy that succeeded. */
  readonly recoveredAtMs: number | undefined;
}

type Draft = { -readonly [Key in keyof Deploy]: Deploy[Key] };

/**
 * The deploys of a log, in order of time. A record with outcome `failed` or `rolled-back` for the version that a
 * service runs changes that deploy; any other record is a new deploy. A roll-back recorded so is the recovery.
 */
export function deploysOf(events: readonly LoggedEvent[]): Deploy[] {
  const deploys: Draft[] = [];
  /** The running deploy of each service, and those that wait to be mended. */
  const services = new Map<string, { running: Draft; failed: Draft[] }>();
  for (const { details, atMs } of events.toSorted((one, other) => one.atMs - other.atMs || one.sequence - other.sequence)) {
    if (details.kind !== 'deploy') continue;
    const { service, version, commit, outcome, rework: isRework } = details;
    const known = services.get(service);
    const running = known?.running;
    if (known !== undefined && running !== undefined && outcome !== 'succeeded' && running.version === version && running.commit === commit && running.outcome !== 'rolled-back') {
      running.failedAtMs ??= atMs;
      running.outcome = outcome;
      if (outcome === 'rolled-back') running.recoveredAtMs ??= atMs;
      else if (!known.failed.includes(running)) known.failed.push(running);
      continue;
    }
    // A deploy that its service's next one had to mend has failed too, though nobody said so at the time.
    if (isRework && running?.outcome === 'succeeded' && running.failedAtMs === undefined) {
      running.failedAtMs = running.atMs;
      known?.failed.push(running);
    }
    const failed = known?.failed ?? [];
    if (outcome === 'succeeded') for (const deploy of failed.splice(0)) deploy.recoveredAtMs ??= atMs;
    const deploy: Draft = { service, version, commit, atMs, committedAtMs: details.committedAtMs, outcome, isRework, failedAtMs: outcome === 'succeeded' ? undefined : atMs, recoveredAtMs: undefined };
    if (outcome !== 'succeeded') failed.push(deploy);
    deploys.push(deploy);
    services.set(service, { running: deploy, failed });
  }
  return deploys;
}

/** A part of a whole with its number: `ratio` is undefined of none. */
export interface Share {
  readonly n: number;
  readonly of: number;
  readonly ratio: number | undefined;
}

export interface DeliveryMetrics {
  readonly fromMs: number;
  readonly toMs: number;
  readonly deploys: number;
  /** Deploys that did not fail, a day. */
  readonly deploysPerDay: number;
  /** Days with at least one such deploy, of the days looked at. */
  readonly activeDays: Share;
  /** Commit to deploy, of deploys that did not fail. */
  readonly leadTimeMs: Distribution;
  /** Deploys that failed, were rolled back or had to be mended by the next one. */
  readonly changeFailure: Share;
  /** From such a deploy to the service being well again, of those that are. */
  readonly recoveryMs: Distribution;
  /** Failed deploys whose service is not well again yet. */
  readonly unrecovered: number;
  /** Deploys made to mend the one before. */
  readonly rework: Share;
}

const dayMs = 86_400_000;

/** @param span the deploys counted are of this time; later ones tell only whether these had to be mended */
export function deliveryMetrics(deploys: readonly Deploy[], { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number }): DeliveryMetrics {
  const counted = deploys.filter(({ atMs }) => atMs >= fromMs && atMs < toMs);
  const failed = counted.filter(({ failedAtMs }) => failedAtMs !== undefined);
  const stood = counted.filter(({ failedAtMs }) => failedAtMs === undefined);
  const days = Math.max(1, Math.ceil((toMs - fromMs) / dayMs));
  return {
    fromMs, toMs,
    deploys: counted.length,
    deploysPerDay: stood.length / ((toMs - fromMs) / dayMs),
    activeDays: share(new Set(stood.map(({ atMs }) => Math.floor((atMs - fromMs) / dayMs))).size, days),
    leadTimeMs: distributionOf(stood.map(({ atMs, committedAtMs }) => Math.max(0, atMs - committedAtMs))),
    changeFailure: share(failed.length, counted.length),
    recoveryMs: distributionOf(failed.map(({ atMs, recoveredAtMs }) => (recoveredAtMs === undefined ? undefined : recoveredAtMs - atMs))),
    unrecovered: failed.filter(({ recoveredAtMs }) => recoveredAtMs === undefined).length,
    rework: share(counted.filter(({ isRework }) => isRework).length, counted.length),
  };
}

function share(n: number, of: number): Share {
  return { n, of, ratio: of === 0 ? undefined : n / of };
}
