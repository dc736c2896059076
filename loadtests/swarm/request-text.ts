import { SoraError } from '../../ops/core/error.ts';

/**
 * What no header may hold (RFC 9110, 5.5): control characters, of which a line break would begin a header of its own, and all
 * beyond U+00FF, of which the wire keeps the low byte alone; that of U+010D is a carriage return.
 */
const forbiddenInHeader = /[^\t\x20-\x7e\x80-\xff]/;
const forbiddenInPath = /[^\x21-\x7e]/;

/** Header lines as they go on the wire. @throws SoraError on a character that no header may hold, in a name or a value */
export function headerLines(headers: Readonly<Record<string, string>> | undefined): string {
  if (headers === undefined) return '';
  let lines = '';
  for (const name in headers) {
    const value = headers[name] ?? '';
    if (forbiddenInHeader.test(name) || forbiddenInHeader.test(value)) throw malformedHeader(name, value);
    lines += `${name}: ${value}\r\n`;
  }
  return lines;
}

function malformedHeader(name: string, value: string): SoraError {
  const code = forbiddenInHeader.exec(name + value)?.[0].codePointAt(0) ?? 0;
  const found = code === 10 || code === 13 ? 'a line break' : `the character U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
  const where = `header ${JSON.stringify(name.slice(0, 80))} holds ${found}`;
  return malformed(where, 'percent-encode the value, as with encodeURIComponent; headers carry printable ASCII and U+0080 to U+00FF');
}

/** @throws SoraError unless a path begins with `/` and holds only printable ASCII */
export function checkPath(path: string): string {
  if (path.charCodeAt(0) !== 47 || forbiddenInPath.test(path)) {
    throw malformed(`path ${JSON.stringify(path.slice(0, 80))} must begin with / and be URI-encoded`);
  }
  return path;
}

/** The bytes of a body and the type it is sent as, where the request names none. */
export function bodyOf(body: unknown): { readonly body: string | Buffer | undefined; readonly type: string } {
  if (body === undefined) return { body: undefined, type: '' };
  if (typeof body === 'string') return { body, type: '' };
  if (body instanceof Uint8Array) return { body: Buffer.from(body.buffer, body.byteOffset, body.byteLength), type: '' };
  return { body: JSON.stringify(body), type: 'content-type: application/json\r\n' };
}

/** Whether headers name a type of content themselves. */
export function namesContentType(headers: Readonly<Record<string, string>> | undefined): boolean {
  return namesHeader(headers, 'content-type');
}

/** Whether headers hold this one. @param wanted in lower case */
export function namesHeader(headers: Readonly<Record<string, string>> | undefined, wanted: string): boolean {
  if (headers === undefined) return false;
  for (const name in headers) if (name.length === wanted.length && name.toLowerCase() === wanted) return true;
  return false;
}

function malformed(message: string, hint = 'correct the step that makes this request'): SoraError {
  return new SoraError('malformed_request', message, { hint });
}
