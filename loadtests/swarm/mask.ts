import { isSensitiveKey, redactObject } from '../../ops/telemetry/redact.ts';
import { redacted, redactText } from '../../ops/telemetry/redact-text.ts';

/** Longer texts are cut. */
const textMax = 2_000;

/** Free text without secrets and personal data, cut to 2,000 characters. */
export function maskText(text: string): string {
  const masked = redactText(text);
  return masked.length > textMax ? `${masked.slice(0, textMax)} … (${masked.length - textMax} more characters)` : masked;
}

export function maskHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, isSensitiveKey(name) ? redacted : maskText(value)]),
  );
}

/** A body: as JSON, by its keys, where it is JSON; else as text. */
export function maskBody(body: string): string {
  if (!body.startsWith('{') && !body.startsWith('[')) return maskText(body);
  try {
    return maskText(JSON.stringify(redactObject(JSON.parse(body))));
  } catch {
    return maskText(body);
  }
}

/** A named value of a user's memory. */
export function maskValue(name: string, value: unknown): string {
  if (isSensitiveKey(name)) return redacted;
  // A value that JSON does not know, such as a function, is shown by its name.
  const text: unknown = JSON.stringify(redactObject(value));
  return maskText(typeof text === 'string' ? text : String(value));
}
