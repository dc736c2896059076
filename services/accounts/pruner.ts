import type { Timer } from '../../ops/core/host.ts';
import type { Statement } from '../platform/database.ts';
import type { Platform } from '../platform/domain.ts';

export interface PrunerOptions {
  /** Pause between two passes; none after a full one. Default 60,000 ms. */
  readonly intervalMs?: number;
  /** Tokens deleted in one pass. Default 1,000. */
  readonly passMax?: number;
}

export interface SessionsPruner {
  start(): void;
  /** Ends the timer and waits for the pass under way. */
  stop(): Promise<void>;
  /** One pass, as the timer runs it; answers the tokens deleted. */
  runOnce(): Promise<number>;
}

/**
 * A session goes with the last token that could continue it. Until a day after its end a token stays,
 * so that whoever comes late hears `refresh_expired` and a stolen token that was spent before still
 * ends its session. Several workers at once pass over each other's rows.
 */
const prune: Statement = {
  name: 'accounts_prune_tokens',
  repeatable: true,
  text: `with gone as (
      delete from account_refresh_tokens where token_hash in (
        select token_hash from account_refresh_tokens where expires_at < now() - interval '1 day'
        order by expires_at limit $1 for update skip locked)
      returning session_id
    ), sessions as (
      delete from account_sessions s where s.id in (select session_id from gone)
        and not exists (select from account_refresh_tokens t where t.session_id = s.id and t.expires_at >= now() - interval '1 day')
    )
    select count(*) as pruned from gone`,
};

/** Deletes refresh tokens that have been expired for a day, and sessions that have no others. */
export function createSessionsPruner({ host, db, log }: Platform, options: PrunerOptions = {}): SessionsPruner {
  const { intervalMs = 60_000, passMax = 1_000 } = options;
  let timer: Timer | undefined;
  let isStopping = true;
  let pass: Promise<unknown> = Promise.resolve();

  const runOnce = async (): Promise<number> => (await db.query<{ pruned: number }>(prune, [passMax]))[0]?.pruned ?? 0;

  const schedule = (delayMs: number): void => {
    if (isStopping) return;
    timer = host.timers.after(delayMs, () => {
      pass = runOnce()
        .catch((error: unknown) => {
          log.error({ err: error }, 'expired sessions could not be deleted');
          return 0;
        })
        .then((pruned) => schedule(pruned < passMax ? intervalMs : 0));
    }).unref();
  };

  return {
    runOnce,
    start() {
      isStopping = false;
      schedule(intervalMs);
    },
    async stop() {
      isStopping = true;
      timer?.cancel();
      await pass;
    },
  };
}
