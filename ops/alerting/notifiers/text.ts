/** Cutting and cleaning of what stands in messages. */
import { redactText } from '../../telemetry/redact-text.ts';
import type { IntegrationSettings } from './settings.ts';
import { secretsOf } from './settings.ts';

/** On one line, without secrets, personal data and control characters. */
export function clean(text: string): string {
  return redactText(text.toWellFormed().replaceAll(/[\p{Cc}\s]+/gu, ' ')).trim();
}

/** At most `max` UTF-16 units, the last of which is an ellipsis where something was cut; no character is halved. */
export function cut(text: string, max: number): string {
  if (text.length <= max) return text;
  const end = text.slice(0, Math.max(0, max - 1));
  return `${/[\uD800-\uDBFF]$/.test(end) ? end.slice(0, -1) : end}…`;
}

/** As many lines as fit into `max` characters, and a last one that says how many are left out. */
export function fitLines(lines: readonly string[], max: number): string {
  const kept: string[] = [];
  const more = (left: number): string => `… and ${left} more`;
  let length = 0;
  for (const [index, line] of lines.entries()) {
    const left = lines.length - index;
    const reserve = left > 1 ? more(left).length + 1 : 0;
    const room = max - length - (kept.length > 0 ? 1 : 0) - reserve;
    if (line.length > room) {
      if (kept.length === 0 && room > 20) kept.push(cut(line, room));
      const missing = lines.length - kept.length;
      return missing === 0 ? kept.join('\n') : cut([...kept, more(missing)].join('\n'), max);
    }
    kept.push(line);
    length += line.length + (kept.length > 1 ? 1 : 0);
  }
  return kept.join('\n');
}

const errorMax = 300;

/** An error as it may stand in an event and a log: without the integration's secrets, cut. */
export function withoutSecrets(text: string, settings: IntegrationSettings): string {
  const bare = secretsOf(settings).reduce((rest, secret) => rest.replaceAll(secret, '[redacted]'), text);
  return cut(clean(bare), errorMax);
}

/** An http or https address without credentials, at most 2,000 characters; undefined for anything else. */
export function safeLink(address: string | undefined): string | undefined {
  const url = address === undefined || address.length > 2_000 ? null : URL.parse(address);
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') return undefined;
  return url.href;
}

/** `2026-01-31 12:00:05 UTC`. */
export function formatTime(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** At most four significant digits, with separators of thousands: `1,432`, `0.0213`; `NaN` and `+Inf` as Prometheus writes them. */
export function formatFigure(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e12)) return value.toPrecision(4);
  return new Intl.NumberFormat('en-GB', size >= 1_000 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 4 }).format(value);
}
