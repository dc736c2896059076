/**
 * What a watchdog knows and decides, as a pure function of heartbeats and time.
 *
 * - `watching`: heartbeats come.
 * - `silent`: none came for `afterMs`, which was told; told again every `repeatMs` until one comes.
 * - `resting`: the control plane said that it is stopped on purpose; until its next heartbeat nothing is told. Out of
 *   `silent` that is told, as what was told before would stay open at its receivers.
 */
import { assertNever } from '../../core/error.ts';

/** One message of the control plane. */
export interface Heartbeat {
  /** Differs from start to start. */
  readonly instance: string;
  /** `alive`; or its last words: stopped with the stack, or told to end while the stack is meant to run. */
  readonly kind: 'alive' | 'stopping' | 'interrupted';
}

export interface WatchState {
  readonly phase: 'watching' | 'silent' | 'resting';
  /** When it last gave a sign of life; at first, when the watchdog began. */
  readonly lastSeenMs: number;
  readonly instance: string | undefined;
  readonly toldAtMs: number | undefined;
  /** Counts silences, so that each has a name of its own. */
  readonly episode: number;
}

export interface WatchLimits {
  /** Silence after which it is told. */
  readonly afterMs: number;
  readonly repeatMs: number;
}

/** What is to be told. `restarted` is over when it is told: control died unasked and is back. */
export interface Telling {
  readonly what: 'silent' | 'interrupted' | 'still-silent' | 'back' | 'stopped' | 'restarted';
  readonly episode: number;
  /** When it was last heard before. */
  readonly lastSeenMs: number;
  readonly atMs: number;
}

export interface Watched {
  readonly state: WatchState;
  readonly tellings: readonly Telling[];
}

/** A watchdog that has just begun waits as long for the first heartbeat as for any other. */
export function beginWatch(nowMs: number): WatchState {
  return { phase: 'watching', lastSeenMs: nowMs, instance: undefined, toldAtMs: undefined, episode: 0 };
}

/**
 * A watchdog that begins anew with what it knew before. A silence that it told lasts until a heartbeat comes, and is told again after
 * `afterMs` without one. Where it watched, it waits as long as any other; whether the control plane died meanwhile it
 * can only say where it was away for less than a silence.
 */
export function resumeWatch(saved: WatchState | undefined, { afterMs, repeatMs }: WatchLimits, nowMs: number): WatchState {
  if (saved === undefined) return beginWatch(nowMs);
  switch (saved.phase) {
    case 'resting': return saved;
    // A clock that was set back makes no silence of negative length.
    case 'silent': return { ...saved, lastSeenMs: Math.min(saved.lastSeenMs, nowMs), toldAtMs: nowMs - repeatMs + afterMs };
    case 'watching': return { ...saved, lastSeenMs: nowMs, instance: nowMs - saved.lastSeenMs < afterMs ? saved.instance : undefined };
    default: return assertNever(saved.phase);
  }
}

/** A heartbeat has come. */
export function hear(state: WatchState, beat: Heartbeat, nowMs: number): Watched {
  const heard = { ...state, lastSeenMs: nowMs, instance: beat.instance };
  const tell = (what: Telling['what'], episode: number): Telling => ({ what, episode, lastSeenMs: state.lastSeenMs, atMs: nowMs });
  if (beat.kind === 'stopping') return { state: { ...heard, phase: 'resting', toldAtMs: undefined }, tellings: state.phase === 'silent' ? [tell('stopped', state.episode)] : [] };
  if (beat.kind === 'interrupted') {
    if (state.phase === 'silent') return { state: heard, tellings: [] };
    const episode = state.episode + 1;
    return { state: { ...heard, phase: 'silent', toldAtMs: nowMs, episode }, tellings: [tell('interrupted', episode)] };
  }
  const watching: WatchState = { ...heard, phase: 'watching', toldAtMs: undefined };
  if (state.phase === 'silent') return { state: watching, tellings: [tell('back', state.episode)] };
  const hasDied = state.phase === 'watching' && state.instance !== undefined && state.instance !== beat.instance;
  if (!hasDied) return { state: watching, tellings: [] };
  return { state: { ...watching, episode: state.episode + 1 }, tellings: [tell('restarted', state.episode + 1)] };
}

/** Time has passed. */
export function look(state: WatchState, limits: WatchLimits, nowMs: number): Watched {
  const { lastSeenMs } = state;
  if (state.phase === 'watching' && nowMs - lastSeenMs >= limits.afterMs) {
    const episode = state.episode + 1;
    return { state: { ...state, phase: 'silent', toldAtMs: nowMs, episode }, tellings: [{ what: 'silent', episode, lastSeenMs, atMs: nowMs }] };
  }
  if (state.phase === 'silent' && state.toldAtMs !== undefined && nowMs - state.toldAtMs >= limits.repeatMs) {
    return { state: { ...state, toldAtMs: nowMs }, tellings: [{ what: 'still-silent', episode: state.episode, lastSeenMs, atMs: nowMs }] };
  }
  return { state, tellings: [] };
}
