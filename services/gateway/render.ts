import type { RequestHead } from './request-head.ts';
import type { ResponseHead } from './response-head.ts';

/**
 * The request as it goes upstream: its head without the cut lines, with `added` lines at the end, and
 * the body bytes up to `end`, in one buffer so that it leaves in one write.
 */
export function renderRequest(bytes: Buffer, head: RequestHead, end: number, added: string): Buffer {
  const linesEnd = head.bodyStart - 2;
  const out = Buffer.allocUnsafe(end + added.length);
  let at = copyWithout(bytes, head.cuts, linesEnd, out);
  at += out.write(added, at, 'latin1');
  at += bytes.copy(out, at, linesEnd, end);
  return out.subarray(0, at);
}

/** The header lines the gateway adds. @param address,correlationId '' for none */
export function addedLines(address: string, correlationId: string, traceparent: string | undefined): string {
  let added = address === '' ? '' : `x-forwarded-for: ${address}\r\n`;
  if (correlationId !== '') added += `x-correlation-id: ${correlationId}\r\n`;
  return traceparent === undefined ? added : `${added}traceparent: ${traceparent}\r\n`;
}

/**
 * The reply as it goes to the client: the head without the cut lines, and the body bytes up to `end`.
 * Changes `bytes` in place where it can: what precedes a cut moves up over it.
 */
export function renderReplyHead(bytes: Buffer, head: ResponseHead, end: number, closes: boolean): Buffer {
  if (closes) {
    const linesEnd = head.bodyStart - 2;
    const added = 'Connection: close\r\n';
    const out = Buffer.allocUnsafe(end + added.length);
    let at = copyWithout(bytes, head.cuts, linesEnd, out);
    at += out.write(added, at, 'latin1');
    at += bytes.copy(out, at, linesEnd, end);
    return out.subarray(0, at);
  }
  const { cuts } = head;
  if (cuts.length === 0) return end === bytes.length ? bytes : bytes.subarray(0, end);
  let keptStart = cuts[cuts.length - 1] as number;
  for (let index = cuts.length - 2; index >= 0; index -= 2) {
    const from = index === 0 ? 0 : (cuts[index - 1] as number);
    const sizeBytes = (cuts[index] as number) - from;
    keptStart -= sizeBytes;
    bytes.copyWithin(keptStart, from, from + sizeBytes);
  }
  return bytes.subarray(keptStart, end);
}

function copyWithout(bytes: Buffer, cuts: readonly number[], end: number, out: Buffer): number {
  let at = 0;
  let from = 0;
  for (let index = 0; index < cuts.length; index += 2) {
    at += bytes.copy(out, at, from, cuts[index]);
    from = cuts[index + 1] as number;
  }
  return at + bytes.copy(out, at, from, end);
}
