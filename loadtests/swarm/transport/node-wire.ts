import { Socket } from 'node:net';
import { TransportError, transportErrorOf } from '../transport-error.ts';
import { closedByServer, connectOptions } from './open-wire.ts';
import type { Dial, Endpoint, Wire, WireEvents } from './wire.ts';

/**
 * A plain TCP connection of Node. It is the socket itself and its listeners are shared by all, so
 * that an idle one costs little more than Node's own 4 kB.
 */
class PlainWire extends Socket implements Wire {
  readonly endpoint: Endpoint;
  readonly events: WireEvents;

  constructor(endpoint: Endpoint, events: WireEvents) {
    super({
      onread: {
        buffer: endpoint.readBuffer,
        callback: (length: number, bytes: Buffer) => {
          events.onBytes(bytes, length);
          return true;
        },
      },
    } as ConstructorParameters<typeof Socket>[0]);
    this.endpoint = endpoint;
    this.events = events;
    this.setNoDelay(true);
    this.on('connect', onConnect);
    this.on('end', onEnd);
    this.on('error', onError);
    this.on('close', onClose);
  }

  get queuedBytes(): number {
    return this.writableLength;
  }

  /** A latin1 string goes to the kernel from the stack, without a buffer of its own. */
  writeText(text: string): void {
    this.write(text, 'latin1');
  }

  writeBytes(bytes: Buffer): void {
    this.write(bytes);
  }
}

function onConnect(this: PlainWire): void {
  const refusal = this.endpoint.refuseAddress(this.remoteAddress ?? '');
  if (refusal === undefined) this.events.onOpen();
  else this.events.onClosed(new TransportError('refused_target', refusal));
}

function onEnd(this: PlainWire): void {
  this.events.onEnd();
}

function onError(this: PlainWire, error: Error): void {
  this.events.onClosed(transportErrorOf(error));
}

function onClose(this: PlainWire): void {
  this.events.onClosed(closedByServer());
}

export const dialPlain: Dial = (endpoint, events, localAddress) => {
  const wire = new PlainWire(endpoint, events);
  wire.connect(connectOptions(endpoint, localAddress));
  return wire;
};
