import { SoraError } from '../../ops/core/error.ts';

const forbiddenInHeader = /[\r\n\0]/;
const forbiddenInPath = /[^\x21-\x7e]/;

/** Header lines as they go on the wire. @throws SoraError on a line break in a name or value */
export function headerLines(headers: Readonly<Record<string, string>> | undefined): string {
  if (headers === undefined) return '';
  let lines = '';
  for (const name in headers) lines += `${name}: ${headers[name]}\r\n`;
  // One test for all: the breaks between lines are the only ones allowed.
  if (forbiddenInHeader.test(lines.replaceAll('\r\n', ''))) throw malformed('a header holds a line break');
  for (const name in headers) {
    if (headers[name]?.includes('\r\n') === true || name.includes('\r\n')) throw malformed(`header ${name} holds a line break`);
  }
  return lines;
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

function malformed(message: string): SoraError {
  return new SoraError('malformed_request', message, { hint: 'correct the step that makes this request' });
}
