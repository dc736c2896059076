import { lookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { TransportError } from '../transport-error.ts';
import type { Endpoint, Wire, WireEvents } from './wire.ts';

const noWire: Wire = { writeText: () => undefined, writeBytes: () => undefined, destroy: () => undefined, queuedBytes: 0 };

/**
 * Opens a wire to an endpoint. A literal address is judged here, before a packet leaves; names are
 * judged by `guardedLookup` and, once more, by the address that the open wire has.
 */
export function openWire(endpoint: Endpoint, events: WireEvents, localAddress: string | undefined): Wire {
  if (isIP(endpoint.hostname) !== 0) {
    const refusal = endpoint.refuseAddress(endpoint.hostname);
    if (refusal !== undefined) {
      queueMicrotask(() => events.onClosed(new TransportError('refused_target', refusal)));
      return noWire;
    }
  }
  return endpoint.dial(endpoint, events, localAddress);
}

/** A look-up that refuses a name unless every address it answers is allowed. */
export function guardedLookup(endpoint: Endpoint): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, '', 0);
      for (const { address } of addresses) {
        const refusal = endpoint.refuseAddress(address);
        if (refusal !== undefined) return callback(new TransportError('refused_target', refusal), '', 0);
      }
      const [first] = addresses;
      if (options.all === true) callback(null, addresses);
      else callback(null, first?.address ?? '', first?.family ?? 4);
    });
  };
}

/** What to connect to, the same for plain sockets and TLS; a source address fixes the family. */
export function connectOptions(endpoint: Endpoint, localAddress: string | undefined): ConnectOptions {
  const { hostname, port } = endpoint;
  const to = { host: hostname, port, lookup: guardedLookup(endpoint) };
  return localAddress === undefined ? to : { ...to, localAddress, family: isIP(localAddress) };
}

interface ConnectOptions {
  readonly host: string;
  readonly port: number;
  readonly lookup: LookupFunction;
  readonly localAddress?: string;
  readonly family?: number;
}

export const closedByServer = (): TransportError => new TransportError('ECONNRESET', 'the server closed the connection');
