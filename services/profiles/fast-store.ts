import { Counter, type Registry } from 'prom-client';
import type { Host } from '../../ops/core/host.ts';
import { Batcher } from '../platform/batcher.ts';
import { TtlCache } from './ttl-cache.ts';
import { createProfilesSql, type FollowChange, type FollowOutcome, type ProfilesStore } from './store.ts';
import type { Database } from '../platform/database.ts';
import type { Profile } from './schemas.ts';

export interface FastProfilesOptions {
  /** How long a profile may be served from memory: the longest another process's change stays unseen. Default 1,000 ms. */
  readonly ttlMs?: number;
  /** Profiles kept at most in each half of the cache, see `TtlCache`. Default 50,000. */
  readonly cacheMax?: number;
}

/**
 * The hot path: reads are served from memory for up to `ttlMs`, else gathered into one `any($1)`;
 * follows are gathered into one settlement. Changes made through this process show at once, those
 * of other processes within `ttlMs`. A read that began before a change is not kept after it.
 */
export function createFastProfilesStore(host: Host, db: Database, metrics: Registry, options: FastProfilesOptions = {}): ProfilesStore {
  const { ttlMs = 1_000, cacheMax = 50_000 } = options;
  const many = createProfilesSql(db);
  const cache = new TtlCache<Buffer>(host.clock, { ttlMs, max: cacheMax });
  const hits = new Counter({ name: 'profiles_cache_hits_total', help: 'Profile reads answered from memory', registers: [metrics] });
  const misses = new Counter({ name: 'profiles_cache_misses_total', help: 'Profile reads that asked the database', registers: [metrics] });

  const reads = new Batcher<number, Buffer | undefined>(host, { name: 'profile reads', metrics }, async (userIds) => {
    const changesBefore = cache.changes;
    const rows = await many.readMany([...new Set(userIds)]);
    const readAtMs = host.clock.monotonicMs();
    const ready = new Map([...rows].map(([userId, profile]) => [userId, jsonOf(profile)]));
    for (const [userId, json] of ready) if (!cache.changedSince(userId, changesBefore)) cache.set(userId, json, readAtMs);
    return userIds.map((userId) => ready.get(userId));
  });
  const follows = new Batcher<FollowChange, FollowOutcome>(host, { name: 'follows', metrics }, async (changes) => {
    const outcomes = await many.settleFollows(changes);
    changes.forEach((change, index) => {
      if (outcomes[index] !== 'followed' && outcomes[index] !== 'unfollowed') return;
      cache.forget(change.followerId);
      cache.forget(change.followeeId);
    });
    return outcomes;
  });

  return {
    readJson(userId) {
      const known = cache.get(userId);
      if (known !== undefined) {
        hits.inc();
        return Promise.resolve(known);
      }
      misses.inc();
      return reads.add(userId);
    },
    async update(userId, change) {
      const profile = await many.update(userId, change);
      cache.forget(userId);
      return profile;
    },
    follow: (change) => follows.add(change),
  };
}

function jsonOf(profile: Profile): Buffer {
  return Buffer.from(JSON.stringify(profile));
}
