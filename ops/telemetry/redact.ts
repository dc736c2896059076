import { isSuspicious } from './redact-scan.ts';
import { redacted, redactText } from './redact-text.ts';

/** Bounds of what one line may hold; beyond them it is cut, and says so. */
const bounds = { lineMaxChars: 32_768, stringMaxChars: 8_192, depthMax: 8, entriesMax: 100, nodesMax: 2_000 };

/** Keys, without case and separators, whose value is a secret or names a person. */
const sensitiveKey = new RegExp(
  '^pass$|passw|passphrase|^pwd|pwd$|secret|token(?!s|count|limit|usage|balance|type)|authori[sz]ation|cookie|apikey|accesskey' +
    '|privatekey|credential|sessionid|^auth$|^jwt$|^otp$|^pin$|^cvv|^cvc|^pan$|cardnumber|iban' +
    '|email|phone|^mobile|^ssn$|socialsecurity|nationalid|^nino$|^dni$|^nie$|taxid|steuerid',
);

const sensitive = new Map<string, boolean>();
const rememberedKeysMax = 5_000;

/** True where the value under this key is never logged, whatever it is. */
export function isSensitiveKey(key: string): boolean {
  const known = sensitive.get(key);
  if (known !== undefined) return known;
  const result = key.length > 64 ? sensitiveKey.test(normalise(key.slice(0, 256))) : sensitiveKey.test(normalise(key));
  if (sensitive.size >= rememberedKeysMax) sensitive.clear();
  sensitive.set(key, result);
  return result;
}

const normalise = (key: string): string => key.toLowerCase().replaceAll(/[-_. ]/g, '');

/**
 * Replaces personal data and secrets in one serialised line: values under telling keys, and what
 * `redactText` finds in any string, be it message, error, stack or nested field. A line that gives
 * no cause costs one scan; a suspicious or overlong one is parsed, rewritten and bounded.
 * @param from where the caller's own text begins; what lies before is known to be clean
 */
export function redactLine(line: string, from = 0): string {
  if (line.length <= bounds.lineMaxChars && !isSuspicious(line, from)) return line;
  const walk: Walk = { nodes: 0 };
  const clean = redactValue(JSON.parse(line) as unknown, 0, walk) as Record<string, unknown>;
  if (line.length > bounds.lineMaxChars) clean['truncatedFromChars'] = line.length;
  return `${JSON.stringify(clean)}\n`;
}

interface Walk {
  nodes: number;
}

/** A copy of any JSON value without personal data and secrets, bounded in depth and size. */
export function redactObject(value: unknown): unknown {
  return redactValue(value, 0, { nodes: 0 });
}

function redactValue(value: unknown, depth: number, walk: Walk): unknown {
  if (++walk.nodes > bounds.nodesMax) return '[cut]';
  if (typeof value === 'string') return redactString(value);
  if (typeof value === 'number') return redactNumber(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= bounds.depthMax) return '[deep]';
  if (Array.isArray(value)) return redactArray(value, depth, walk);
  return redactEntries(value, depth, walk);
}

function redactString(value: string): string {
  if (value.length <= bounds.stringMaxChars) return redactText(value);
  // Read a little further than is kept, so that a secret on the edge is seen whole.
  const start = redactText(value.slice(0, bounds.stringMaxChars + 1_024)).slice(0, bounds.stringMaxChars);
  return `${start}[cut ${value.length - bounds.stringMaxChars} characters]`;
}

/** A card number may come as a number; ids and times pass, as they have no issuer's prefix and check digit. */
function redactNumber(value: number): number | string {
  if (!Number.isInteger(value) || value < 1e12) return value;
  const text = redactText(String(value));
  return text === String(value) ? value : text;
}

function redactArray(items: readonly unknown[], depth: number, walk: Walk): unknown[] {
  const kept = items.slice(0, bounds.entriesMax).map((item) => redactValue(item, depth + 1, walk));
  if (items.length > bounds.entriesMax) kept.push(`[cut ${items.length - bounds.entriesMax} items]`);
  return kept;
}

function redactEntries(value: object, depth: number, walk: Walk): Record<string, unknown> {
  const entries = Object.entries(value);
  const kept = entries.slice(0, bounds.entriesMax).map(([key, item]): [string, unknown] => {
    const isHidden = isSensitiveKey(key) && item !== null && typeof item !== 'boolean';
    // A key may itself be an address or a number, as in counts by user.
    return [redactString(key), isHidden ? redacted : redactValue(item, depth + 1, walk)];
  });
  if (entries.length > bounds.entriesMax) kept.push(['cutEntries', entries.length - bounds.entriesMax]);
  return Object.fromEntries(kept);
}
