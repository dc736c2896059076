import type { IncomingMessage } from 'node:http';
import { badRequest, Problem } from '../problem.ts';

const empty = Buffer.alloc(0);

/**
 * Reads a request's body.
 * @throws Problem 413 above `limitBytes` (by its header before a byte is read), 400 when the client breaks off
 */
export function readBody(request: IncomingMessage, limitBytes: number): Promise<Buffer> {
  const declared = request.headers['content-length'];
  if (declared === undefined && request.headers['transfer-encoding'] === undefined) return Promise.resolve(empty);
  if (declared !== undefined && Number(declared) > limitBytes) return Promise.reject(tooLarge(limitBytes));
  return new Promise<Buffer>((resolve, reject) => {
    let first: Buffer | undefined;
    let rest: Buffer[] | undefined;
    let sizeBytes = 0;
    request.on('data', (chunk: Buffer) => {
      sizeBytes += chunk.length;
      if (sizeBytes > limitBytes) return reject(tooLarge(limitBytes));
      if (first === undefined) first = chunk;
      else (rest ??= [first]).push(chunk);
    });
    request.on('end', () => resolve(rest === undefined ? (first ?? empty) : Buffer.concat(rest, sizeBytes)));
    request.on('error', () => reject(badRequest('body_incomplete', 'the connection ended before the body did')));
    request.on('close', () => {
      if (!request.complete) reject(badRequest('body_incomplete', 'the connection ended before the body did'));
    });
  });
}

/** @throws Problem 415 for another content type, 400 `invalid_json` for anything but one JSON value */
export function parseJson(request: IncomingMessage, body: Buffer): unknown {
  const type = request.headers['content-type'];
  if (type !== undefined && !type.startsWith('application/json') && !/^application\/[\w.-]+\+json\b/.test(type)) {
    throw new Problem(415, 'unsupported_media_type', `content-type is "${type.slice(0, 100)}"; send application/json`);
  }
  if (body.length === 0) return undefined;
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch {
    throw badRequest('invalid_json', 'the body is not valid JSON');
  }
}

function tooLarge(limitBytes: number): Problem {
  return new Problem(413, 'body_too_large', `the body is larger than ${limitBytes} bytes`);
}
