import { SoraError } from '../../ops/core/error.ts';

/**
 * Why no reply came: `timeout`, `protocol`, `tls`, `inflate`, `queue_full`, `aborted`, `refused_target`, those of
 * WebSockets, or the system's code.
 */
export type TransportErrorKind = 'timeout' | 'protocol' | 'tls' | 'inflate' | 'queue_full' | 'aborted' | 'refused_target' | SocketKind | SystemCode;
type SocketKind = 'ws_closed' | 'ws_too_big' | 'ws_queue_full';
type SystemCode = 'ECONNREFUSED' | 'ECONNRESET' | 'ENOTFOUND' | 'EHOSTUNREACH' | 'ENETUNREACH' | 'EADDRNOTAVAIL' | 'EADDRINUSE' | 'EMFILE' | 'EIO';

const systemCodes: ReadonlySet<string> = new Set<SystemCode>([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'EADDRINUSE',
  'EMFILE',
]);

/** A request that got no reply. */
export class TransportError extends SoraError {
  readonly kind: TransportErrorKind;

  constructor(kind: TransportErrorKind, message: string, cause?: unknown) {
    super(kind, message, cause === undefined ? {} : { cause });
    this.name = 'TransportError';
    this.kind = kind;
  }
}

/** Names what a socket threw. A broken pipe is a reset seen by the writer. */
export function transportErrorOf(error: unknown): TransportError {
  if (error instanceof TransportError) return error;
  const { code, message } = firstOf(error);
  if (code === 'EPIPE' || code === 'ERR_STREAM_WRITE_AFTER_END' || code === 'ERR_STREAM_DESTROYED') {
    return new TransportError('ECONNRESET', message, error);
  }
  if (code === 'ETIMEDOUT') return new TransportError('timeout', message, error);
  if (code === 'EMFILE') return new TransportError('EMFILE', `${message}: its worker has no open file left; where users keep WebSockets, extraSocketsPerUser in the scenario makes room`, error);
  if (isTlsCode(code)) return new TransportError('tls', `${message} (${code}); trust its authority with tls.ca or --tls-ca`, error);
  return new TransportError(systemCodes.has(code) ? (code as SystemCode) : 'EIO', message, error);
}

/** OpenSSL's own codes, and those of Node for certificates (X509_V_ERR_… without their beginning). */
function isTlsCode(code: string): boolean {
  return /^(?:ERR_(?:TLS|SSL|OSSL)_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|CERT_|HOSTNAME_MISMATCH|INVALID_CA)/.test(code);
}

/** A connect that tried several addresses throws an AggregateError; its first error says enough. */
function firstOf(error: unknown): { code: string; message: string } {
  const first: unknown = error instanceof AggregateError && error.errors.length > 0 ? error.errors[0] : error;
  const code = (first as NodeJS.ErrnoException | undefined)?.code ?? '';
  return { code, message: first instanceof Error ? first.message : String(first) };
}
