/** What a watchdog remembers over its own end: without it, what it told last would stay open at its receivers for ever. */
import { z } from 'zod';
import { messageOf } from '../../core/error.ts';
import type { Host } from '../../core/host.ts';
import type { Telling, WatchState } from './watch.ts';

export interface Remembered {
  readonly state: WatchState;
  /** Told, but not known to have arrived; at most `tellingsMax`, the newest. */
  readonly unsent: readonly Telling[];
}

/** Where a watchdog keeps what it knows. */
export interface WatchMemory {
  /** undefined where nothing was kept, or it cannot be read. */
  recall(): Remembered | undefined;
  /** Never throws: a watchdog whose disk is full watches on. */
  keep(remembered: Remembered): void;
}

/** Each telling is given up after about 10 min; more than a few mean that a receiver is away. */
export const tellingsMax = 20;

const timeMs = z.number().min(0).max(8_640_000_000_000_000);
const tellingSchema = z.strictObject({ what: z.enum(['silent', 'interrupted', 'still-silent', 'back', 'stopped', 'restarted']), episode: z.int().min(0), lastSeenMs: timeMs, atMs: timeMs });
const stateSchema = z.strictObject({ phase: z.enum(['watching', 'silent', 'resting']), lastSeenMs: timeMs, instance: z.string().nullable(), toldAtMs: timeMs.nullable(), episode: z.int().min(0) });
const fileSchema = z.strictObject({ schema: z.literal('sora.watchdog/v1'), state: stateSchema, unsent: z.array(tellingSchema).max(tellingsMax) });

/** @param onProblem hears once that the file cannot be written, and whenever it cannot be read */
export function fileMemory(host: Pick<Host, 'files'>, path: string, onProblem: (text: string) => void): WatchMemory {
  let isBroken = false;
  return {
    recall() {
      if (!host.files.exists(path)) return undefined;
      try {
        const { state, unsent } = fileSchema.parse(JSON.parse(host.files.readText(path)));
        return { state: { ...state, instance: state.instance ?? undefined, toldAtMs: state.toldAtMs ?? undefined }, unsent };
      } catch (error) {
        onProblem(`${path} cannot be read, so what was told before is forgotten: ${messageOf(error)}`);
        return undefined;
      }
    },
    keep({ state, unsent }) {
      const kept: z.infer<typeof fileSchema> = {
        schema: 'sora.watchdog/v1', unsent: [...unsent].slice(-tellingsMax),
        state: { ...state, instance: state.instance ?? null, toldAtMs: state.toldAtMs ?? null },
      };
      try {
        host.files.writeText(path, `${JSON.stringify(kept)}\n`, 0o600);
        isBroken = false;
      } catch (error) {
        if (!isBroken) onProblem(`${path} cannot be written, so a restart of the watchdog will forget what was told: ${messageOf(error)}`);
        isBroken = true;
      }
    },
  };
}
