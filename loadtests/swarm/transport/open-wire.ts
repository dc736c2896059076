import { lookup, type LookupAddress, type LookupAllOptions } from 'node:dns';
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

type Guard = Pick<Endpoint, 'refuseAddress'>;
type LookUpAll = (hostname: string, options: LookupAllOptions, callback: (error: Error | null, addresses: LookupAddress[]) => void) => void;

/**
 * Those of a name's addresses that may be connected to. A load balancer that grows in mid-run adds addresses that
 * nobody has allowed; the load then stays on the others.
 * @throws TransportError `refused_target` where none is allowed
 */
export function allowedOf<T extends { readonly address: string }>(addresses: readonly T[], guard: Guard): T[] {
  const refusals = addresses.map(({ address }) => guard.refuseAddress(address));
  const [refusal] = refusals;
  if (refusal !== undefined && !refusals.includes(undefined)) throw new TransportError('refused_target', refusal);
  return addresses.filter((_, index) => refusals[index] === undefined);
}

/** A look-up that answers the allowed addresses of a name alone, and refuses it where there is none. */
export function guardedLookup(guard: Guard, lookUp: LookUpAll = lookup): LookupFunction {
  return (hostname, options, callback) => {
    lookUp(hostname, { ...options, all: true }, (error, answered) => {
      if (error !== null) return callback(error, '', 0);
      let addresses: LookupAddress[];
      try {
        addresses = allowedOf(answered, guard);
      } catch (refused) {
        return callback(refused as TransportError, '', 0);
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
