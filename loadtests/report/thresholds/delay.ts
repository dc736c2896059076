import { invalidConfig } from '../../../ops/core/error.ts';

const unitMs = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const part = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h|d)/y;

/**
 * Parses a delay as k6 takes it: Go's notation (`10s`, `1m30s`, `1.5h`), days, or a bare number of ms
 * (k6, lib/types: ParseExtendedDuration and NullDuration).
 * @param expression the threshold it belongs to, for the message
 * @throws SoraError `invalid_config`
 */
export function parseDelayMs(value: string | number, expression: string): number {
  const text = String(value).trim();
  const plain = text === '' ? Number.NaN : Number(text);
  const delayMs = Number.isNaN(plain) ? sumOfParts(text) : plain;
  if (delayMs >= 0 && Number.isFinite(delayMs)) return delayMs;
  throw invalidConfig(`threshold "${expression}": delayAbortEval "${text}" is not a duration`, 'write it like 10s, 1m30s or 500ms');
}

function sumOfParts(text: string): number {
  let totalMs = 0;
  let at = 0;
  while (at < text.length) {
    part.lastIndex = at;
    const match = part.exec(text);
    if (match === null) return Number.NaN;
    totalMs += Number(match[1]) * unitMs[match[2] as keyof typeof unitMs];
    at = part.lastIndex;
  }
  return text === '' ? Number.NaN : totalMs;
}
