import { brotliDecompress, brotliDecompressSync, gunzip, gunzipSync, inflate, inflateRaw, inflateRawSync, inflateSync } from 'node:zlib';
import { messageOf } from '../../../ops/core/error.ts';
import { TransportError } from '../transport-error.ts';

/** The codings that are asked for; q-values would say nothing that the order does not. */
export const acceptEncoding = 'accept-encoding: gzip, br, deflate\r\n';
/** A body that inflates beyond this is an error: a few kB could otherwise fill the memory. */
export const inflatedMaxBytes = 64 * 1024 * 1024;
/** What inflates within this is done at once; a detour over another thread costs more. */
const atOnceMaxBytes = 256 * 1024;
/** Codings on top of one another. */
const codingsMax = 3;

interface Coding {
  readonly atOnce: (bytes: Buffer, options: { maxOutputLength: number }) => Buffer;
  readonly aside: (bytes: Buffer, options: { maxOutputLength: number }, done: (error: Error | null, result: Buffer) => void) => void;
}

const gzip: Coding = { atOnce: gunzipSync, aside: gunzip };
const brotli: Coding = { atOnce: brotliDecompressSync, aside: brotliDecompress };
const zlibWrapped: Coding = { atOnce: inflateSync, aside: inflate };
const bareDeflate: Coding = { atOnce: inflateRawSync, aside: inflateRaw };

/** Hears of the body, or of why there is none. Called once, at once where the body is small. */
export type Inflated = (body: Buffer | undefined, error: TransportError | undefined) => void;

/** Undoes a `content-encoding`, such as `gzip`. @param codings in lower case, in the order they were applied */
export function inflateBody(body: Buffer, codings: string, done: Inflated): void {
  const names = codings.split(',').map((name) => name.trim()).filter((name) => name !== '' && name !== 'identity');
  if (names.length > codingsMax) return done(undefined, failure(`${names.length} codings on top of one another; the limit is ${codingsMax}`));
  undo(body, names, done);
}

function undo(body: Buffer, names: readonly string[], done: Inflated): void {
  const name = names.at(-1);
  if (name === undefined || body.length === 0) return done(body, undefined);
  const coding = codingOf(name, body);
  if (coding === undefined) return done(undefined, failure(`the coding "${name.slice(0, 20)}", which was not asked for`));
  const rest = names.slice(0, -1);
  try {
    undo(coding.atOnce(body, { maxOutputLength: atOnceMaxBytes }), rest, done);
  } catch (error) {
    if (!isTooLarge(error)) return done(undefined, failure(messageOf(error)));
    coding.aside(body, { maxOutputLength: inflatedMaxBytes }, (wrong, result) => {
      if (wrong === null) undo(result, rest, done);
      else done(undefined, failure(isTooLarge(wrong) ? `more than ${inflatedMaxBytes} bytes, the limit` : wrong.message));
    });
  }
}

function codingOf(name: string, body: Buffer): Coding | undefined {
  if (name === 'gzip' || name === 'x-gzip') return gzip;
  if (name === 'br') return brotli;
  if (name !== 'deflate') return undefined;
  // Some servers leave out the two bytes around it that RFC 9110 asks for; their first holds method 8.
  return ((body[0] ?? 0) & 0x0f) === 8 ? zlibWrapped : bareDeflate;
}

function isTooLarge(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
}

function failure(message: string): TransportError {
  return new TransportError('inflate', `the body of the reply does not inflate: ${message}`);
}
