/** Frames of RFC 6455, both ways: a client masks what it sends, a server does not. */

export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** Bytes of one message at most, its fragments together. */
export const messageMaxBytes = 16 * 1024 * 1024;
const controlMaxBytes = 125;

/** What came does not keep to the protocol; `closeCode` is what RFC 6455 tells the peer. */
export class FrameError extends Error {
  readonly closeCode: 1002 | 1007 | 1009;

  constructor(closeCode: FrameError['closeCode'], message: string) {
    super(message);
    this.name = 'FrameError';
    this.closeCode = closeCode;
  }
}

/** One whole frame. @param mask 4 bytes nobody can guess, or undefined for a server's frame */
export function encodeFrame(opcode: number, payload: Uint8Array, mask: Uint8Array | undefined, isFinal = true): Buffer {
  const { length } = payload;
  const lengthBytes = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const start = 2 + lengthBytes + (mask === undefined ? 0 : 4);
  const frame = Buffer.allocUnsafe(start + length);
  frame[0] = (isFinal ? 0x80 : 0) | opcode;
  frame[1] = (mask === undefined ? 0 : 0x80) | (lengthBytes === 0 ? length : lengthBytes === 2 ? 126 : 127);
  if (lengthBytes === 2) frame.writeUInt16BE(length, 2);
  if (lengthBytes === 8) frame.writeBigUInt64BE(BigInt(length), 2);
  frame.set(payload, start);
  if (mask !== undefined) {
    frame.set(mask, start - 4);
    unmask(frame, start, mask);
  }
  return frame;
}

function unmask(bytes: Uint8Array, from: number, mask: Uint8Array): void {
  for (let at = from; at < bytes.length; at++) bytes[at]! ^= mask[(at - from) & 3]!;
}

/** The payload of a close frame. @param reason cut to the 123 bytes there is room for */
export function encodeClose(code: number, reason: string): Buffer {
  let text = Buffer.from(reason, 'utf8');
  // Never in the middle of a character.
  for (let cut = reason; text.length > controlMaxBytes - 2; text = Buffer.from(cut, 'utf8')) cut = cut.slice(0, -1);
  const payload = Buffer.allocUnsafe(2 + text.length);
  payload.writeUInt16BE(code, 0);
  payload.set(text, 2);
  return payload;
}

/** Whether a code may stand in a close frame (RFC 6455, 7.4). */
export function isCloseCode(code: number): boolean {
  return (code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code)) || (code >= 3000 && code <= 4999);
}

/** Text, or bytes of a buffer of their own. */
export type MessageData = string | Buffer;

/** Who hears what frames say. */
export interface FrameEvents {
  onMessage(data: MessageData): void;
  onPing(payload: Buffer): void;
  /** @param code 1005 where the peer named none */
  onCloseFrame(code: number, reason: string): void;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decodeText(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new FrameError(1007, 'a text that is no UTF-8');
  }
}

/** Puts messages together from bytes that come in any pieces. */
export class FrameDecoder {
  readonly #events: FrameEvents;
  readonly #isMasked: boolean;
  readonly #maxBytes: number;
  readonly #header = Buffer.alloc(14);
  #headerLength = 0;
  #opcode = 0;
  #isFinal = false;
  /** Bytes of the payload still to come; -1 while the header is read. */
  #missing = -1;
  #payload: Buffer[] = [];
  #payloadBytes = 0;
  /** The kind of the message whose fragments come in; 0 for none. */
  #kind = 0;
  #fragments: Buffer[] = [];
  #fragmentBytes = 0;

  /** @param isMasked whether frames must be masked, as a client's are; a server's must not */
  constructor(events: FrameEvents, isMasked: boolean, maxBytes = messageMaxBytes) {
    this.#events = events;
    this.#isMasked = isMasked;
    this.#maxBytes = maxBytes;
  }

  /** Takes the next bytes and copies what it keeps. @throws FrameError after which nothing more may come */
  feed(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) {
      if (this.#missing < 0) at = this.#feedHeader(bytes, at);
      if (this.#missing > 0) at = this.#feedPayload(bytes, at);
      if (this.#missing === 0) this.#endFrame();
    }
  }

  #feedHeader(bytes: Buffer, at: number): number {
    for (let next = at; next < bytes.length; ) {
      this.#header[this.#headerLength++] = bytes[next++]!;
      if (this.#headerLength < 2 || this.#headerLength < this.#headerSize()) continue;
      this.#readHeader();
      return next;
    }
    return bytes.length;
  }

  #headerSize(): number {
    const short = this.#header[1]! & 0x7f;
    return 2 + (short === 126 ? 2 : short === 127 ? 8 : 0) + (this.#isMasked ? 4 : 0);
  }

  #readHeader(): void {
    const [first, second] = [this.#header[0]!, this.#header[1]!];
    this.#opcode = first & 0x0f;
    this.#isFinal = (first & 0x80) !== 0;
    if ((first & 0x70) !== 0) throw new FrameError(1002, 'a frame with reserved bits set, for an extension nobody agreed on');
    if (((second & 0x80) !== 0) !== this.#isMasked) throw new FrameError(1002, this.#isMasked ? 'a frame without a mask' : 'a masked frame from a server');
    const short = second & 0x7f;
    const length = short === 126 ? this.#header.readUInt16BE(2) : short === 127 ? Number(this.#header.readBigUInt64BE(2)) : short;
    this.#judge(length);
    this.#missing = length;
  }

  #judge(length: number): void {
    const opcode = this.#opcode;
    if (opcode >= 8) {
      if (opcode > opcodes.pong) throw new FrameError(1002, `a control frame of unknown kind ${opcode}`);
      if (!this.#isFinal || length > controlMaxBytes) throw new FrameError(1002, 'a control frame in fragments, or of more than 125 bytes');
      return;
    }
    if (opcode > opcodes.binary) throw new FrameError(1002, `a frame of unknown kind ${opcode}`);
    if ((opcode === opcodes.continuation) !== (this.#kind !== 0)) {
      throw new FrameError(1002, opcode === opcodes.continuation ? 'a fragment of no message' : 'a message within the fragments of another');
    }
    if (this.#fragmentBytes + length > this.#maxBytes) {
      throw new FrameError(1009, `a message of ${this.#fragmentBytes + length} bytes or more; the limit is ${this.#maxBytes}`);
    }
  }

  #feedPayload(bytes: Buffer, at: number): number {
    const length = Math.min(this.#missing, bytes.length - at);
    if (length > 0) {
      this.#payload.push(Buffer.from(bytes.subarray(at, at + length)));
      this.#payloadBytes += length;
    }
    this.#missing -= length;
    return at + length;
  }

  #endFrame(): void {
    const payload = this.#payload.length === 1 ? this.#payload[0]! : Buffer.concat(this.#payload, this.#payloadBytes);
    if (this.#isMasked) unmask(payload, 0, this.#header.subarray(this.#headerLength - 4, this.#headerLength));
    this.#payload = [];
    this.#payloadBytes = 0;
    this.#headerLength = 0;
    this.#missing = -1;
    if (this.#opcode >= 8) this.#endControl(payload);
    else this.#endData(payload);
  }

  #endControl(payload: Buffer): void {
    if (this.#opcode === opcodes.ping) this.#events.onPing(payload);
    if (this.#opcode !== opcodes.close) return;
    if (payload.length === 0) return this.#events.onCloseFrame(1005, '');
    const code = payload.length === 1 ? 0 : payload.readUInt16BE(0);
    if (!isCloseCode(code)) throw new FrameError(1002, `a close frame of code ${code}`);
    this.#events.onCloseFrame(code, decodeText(payload.subarray(2)));
  }

  #endData(payload: Buffer): void {
    if (this.#opcode !== opcodes.continuation) this.#kind = this.#opcode;
    // Empty fragments are no reason to keep anything.
    if (payload.length > 0) this.#fragments.push(payload);
    this.#fragmentBytes += payload.length;
    if (!this.#isFinal) return;
    const whole = this.#fragments.length === 1 ? this.#fragments[0]! : Buffer.concat(this.#fragments, this.#fragmentBytes);
    const isText = this.#kind === opcodes.text;
    this.#fragments = [];
    this.#fragmentBytes = 0;
    this.#kind = 0;
    this.#events.onMessage(isText ? decodeText(whole) : whole);
  }
}
