import { formatDuration } from '../../ops/core/duration.ts';
import { exitCodes, messageOf, SoraError } from '../../ops/core/error.ts';
import type { Host } from '../../ops/core/host.ts';
import type { TargetPolicy } from './guard.ts';
import { createHttpClient } from './http-client.ts';
import { scenarioError } from './journeys.ts';
import type { Scenario, SetupContext } from './scenario.ts';
import type { ScenarioLinks } from './transport/scenario-links.ts';
import type { TlsMaterial } from './transport/tls-wire.ts';

/** Where the stack's admin endpoints answer, and the headers they want. */
export interface AdminAccess {
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** What a scenario's `setup` and `teardown` run with. */
export interface SetUpOptions {
  readonly host: Host;
  readonly policy?: TargetPolicy | undefined;
  readonly admin?: AdminAccess | undefined;
  readonly tls?: TlsMaterial | undefined;
  /** Ends them early: what is under way is not waited for. */
  readonly signal?: AbortSignal | undefined;
}

/** What the context has besides what `SetUpOptions` opens. */
export type SetUpFacts = Omit<SetupContext, 'http' | 'admin' | 'signal'>;

/** How long they may take, unless the scenario's `timeouts` say otherwise. */
const limitsMs = { setup: 600_000, teardown: 60_000 } as const;

/** Why a scenario's `teardown` did not end well; what it was to remove may still be there. */
export interface TearDownFailure {
  /** As of an error: `throw: TypeError`, `timeout`. */
  readonly kind: string;
  readonly message: string;
}

type Ended<T> = { readonly kind: 'done'; readonly value: T } | { readonly kind: 'late' } | { readonly kind: 'left' };

/**
 * Runs a scenario's `setup` and answers what it shares; undefined too where the signal ended it.
 * @throws SoraError `scenario_error` (107) when it throws or takes longer than `timeouts.setupMs`, default 10 minutes;
 *   an error of ours keeps its exit code
 */
export async function setUp(scenario: Scenario<never>, options: SetUpOptions, facts: SetUpFacts): Promise<unknown> {
  if (scenario.setup === undefined) return undefined;
  const limitMs = scenario.timeouts?.setupMs ?? limitsMs.setup;
  let ended: Ended<unknown>;
  try {
    ended = await runBounded(scenario, options, facts, limitMs, async (context) => await scenario.setup?.(context));
  } catch (error) {
    // An error of ours keeps its code and hint; anything else is the scenario's.
    if (error instanceof SoraError && error.exitCode !== exitCodes.generic) throw error;
    throw scenarioError(`setup of ${scenario.name} threw: ${messageOf(error)}`, error);
  }
  if (ended.kind !== 'late') return ended.kind === 'done' ? ended.value : undefined;
  throw new SoraError('scenario_error', `setup of ${scenario.name} did not end within ${formatDuration(limitMs)}`, {
    exitCode: exitCodes.scenarioError,
    hint: 'see what it waits for, or give it longer with timeouts.setupMs of the scenario',
  });
}

/** A message is kept up to so many characters. */
const messageMax = 1_000;

/**
 * Runs a scenario's `teardown`, for at most `timeouts.teardownMs`, default 1 minute; never throws. The run is over and
 * measured, so a failure changes nothing of what it found: it is said, and answered.
 */
export async function tearDown(scenario: Scenario<never>, options: SetUpOptions, facts: SetUpFacts, log: (message: string) => void): Promise<TearDownFailure | undefined> {
  if (scenario.teardown === undefined) return undefined;
  const limitMs = scenario.timeouts?.teardownMs ?? limitsMs.teardown;
  try {
    const { kind } = await runBounded(scenario, options, facts, limitMs, async (context) => await scenario.teardown?.(context));
    if (kind === 'left') log(`teardown of ${scenario.name} was left at once`);
    if (kind !== 'late') return undefined;
    const message = `teardown of ${scenario.name} did not end within ${formatDuration(limitMs)}, and was left`;
    log(`${message}; timeouts.teardownMs of the scenario gives it longer`);
    return { kind: 'timeout', message };
  } catch (error) {
    const message = `teardown of ${scenario.name} threw: ${messageOf(error).slice(0, messageMax)}`;
    log(message);
    return { kind: error instanceof Error ? `throw: ${error.name}` : 'throw', message };
  }
}

/** Runs `work` with its clients until it ends, its time is up or the signal comes; then closes them, which fails what it still asks of them. */
async function runBounded<T>(
  links: ScenarioLinks, { host, policy, admin, tls, signal }: SetUpOptions, facts: SetUpFacts, limitMs: number, work: (context: SetupContext) => Promise<T>,
): Promise<Ended<T>> {
  if (signal?.aborted === true) return { kind: 'left' };
  const ending = new AbortController();
  const cut = Promise.withResolvers<Ended<T>>();
  const end = (kind: 'late' | 'left'): void => {
    cut.resolve({ kind });
    ending.abort();
  };
  const leave = (): void => end('left');
  const timer = host.timers.after(limitMs, () => end('late'));
  signal?.addEventListener('abort', leave, { once: true });
  try {
    using http = await createHttpClient(host, facts.target, { policy, tls, links });
    using adminHttp = admin === undefined ? undefined : await createHttpClient(host, admin.target, { policy, headers: admin.headers });
    const working = work({ ...facts, http, admin: adminHttp, signal: ending.signal }).then((value): Ended<T> => ({ kind: 'done', value }));
    // What it throws after it was left is nobody's concern.
    working.catch(() => undefined);
    return await Promise.race([cut.promise, working]);
  } finally {
    timer.cancel();
    signal?.removeEventListener('abort', leave);
  }
}
