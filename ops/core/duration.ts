import { invalidConfig } from './error.ts';

const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const part = /(\d+(?:\.\d+)?)(ms|s|m|h|d)/gy;

/**
 * Parses a duration such as `500ms`, `60s`, `1m30s` or `2h` to milliseconds.
 * @param name what the value is, for the message, such as `--duration`
 * @throws SoraError `invalid_config` when malformed
 */
export function parseDurationMs(text: string, name = 'duration'): number {
  part.lastIndex = 0;
  let totalMs = 0;
  while (part.lastIndex < text.length) {
    const match = part.exec(text);
    if (match === null) {
      throw invalidConfig(
        `${name} "${text}" is not a duration`,
        'write a number and a unit of ms, s, m, h or d, for example 90s or 1m30s',
      );
    }
    totalMs += Number(match[1]) * unitMs[match[2] as keyof typeof unitMs];
  }
  if (text === '') throw invalidConfig(`${name} is empty`, 'give a duration such as 60s');
  return totalMs;
}

/** Writes milliseconds the way a person would: `850ms`, `12.5s`, `1m30s`, `2h5m`. */
export function formatDuration(durationMs: number): string {
  if (durationMs < 1_000) return `${Math.round(durationMs)}ms`;
  if (durationMs < 60_000) return `${Number((durationMs / 1_000).toFixed(1))}s`;
  const totalS = Math.round(durationMs / 1_000);
  const hours = Math.floor(totalS / 3_600);
  const minutes = Math.floor((totalS % 3_600) / 60);
  const seconds = totalS % 60;
  return `${hours > 0 ? `${hours}h` : ''}${minutes > 0 ? `${minutes}m` : ''}${seconds > 0 ? `${seconds}s` : ''}`;
}
