import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeClose, encodeFrame, FrameDecoder, FrameError, isCloseCode, type MessageData, opcodes } from './codec.ts';

interface Heard {
  readonly messages: MessageData[];
  readonly pings: Buffer[];
  readonly closes: [number, string][];
}

/** Feeds bytes cut at these points. */
function decode(bytes: Buffer, cuts: readonly number[], isMasked: boolean, maxBytes?: number): Heard {
  const heard: Heard = { messages: [], pings: [], closes: [] };
  const decoder = new FrameDecoder(
    {
      onMessage: (data) => heard.messages.push(data),
      onPing: (payload) => heard.pings.push(payload),
      onCloseFrame: (code, reason) => heard.closes.push([code, reason]),
    },
    isMasked,
    maxBytes,
  );
  const points = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  for (let n = 0; n + 1 < points.length; n++) decoder.feed(bytes.subarray(points[n], points[n + 1]));
  return heard;
}

const message = fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), fc.uint8Array({ maxLength: 70_000 }).map((bytes) => Buffer.from(bytes)));
const mask = fc.option(fc.uint8Array({ minLength: 4, maxLength: 4 }), { nil: undefined });
const cuts = fc.array(fc.nat(), { maxLength: 20 });

/** A message in fragments of these lengths, with a ping after each. */
function inFragments(data: MessageData, lengths: readonly number[], key: Uint8Array | undefined): Buffer {
  const bytes = typeof data === 'string' ? Buffer.from(data, 'utf8') : data;
  const frames: Buffer[] = [];
  let at = 0;
  for (const length of lengths) {
    const opcode = frames.length === 0 ? (typeof data === 'string' ? opcodes.text : opcodes.binary) : opcodes.continuation;
    frames.push(encodeFrame(opcode, bytes.subarray(at, at + length), key, false), encodeFrame(opcodes.ping, Buffer.from('p'), key));
    at = Math.min(bytes.length, at + length);
  }
  const opcode = frames.length === 0 ? (typeof data === 'string' ? opcodes.text : opcodes.binary) : opcodes.continuation;
  return Buffer.concat([...frames, encodeFrame(opcode, bytes.subarray(at), key)]);
}

describe('frames', () => {
  it('carry any messages, masked or not, in fragments and in any pieces of bytes', () => {
    const holds = fc.property(fc.array(message, { maxLength: 4 }), mask, cuts, fc.array(fc.nat({ max: 1_000 }), { maxLength: 3 }), (messages, key, points, lengths) => {
      const bytes = Buffer.concat(messages.map((data) => inFragments(data, lengths, key)));
      const heard = decode(bytes, points, key !== undefined);
      expect(heard.messages).toEqual(messages);
      expect(heard.pings).toHaveLength(messages.length * lengths.length);
    });
    fc.assert(holds, { numRuns: 100 });
  });

  it('carry close codes and reasons, cut to what fits between two characters', () => {
    const codes = fc.integer({ min: 1000, max: 4999 }).filter(isCloseCode);
    fc.assert(fc.property(codes, fc.string({ unit: 'grapheme', maxLength: 200 }), (code, reason) => {
      const [[heardCode, heardReason] = [0, '']] = decode(encodeFrame(opcodes.close, encodeClose(code, reason), undefined), [], false).closes;
      expect(heardCode).toBe(code);
      expect(reason.startsWith(heardReason)).toBe(true);
      if (Buffer.byteLength(reason) <= 123) expect(heardReason).toBe(reason);
    }));
    expect(decode(encodeFrame(opcodes.close, Buffer.alloc(0), undefined), [], false).closes).toEqual([[1005, '']]);
  });

  it('never do anything but answer or throw a FrameError, whatever bytes come', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), cuts, fc.boolean(), (bytes, points, isMasked) => {
      try {
        decode(Buffer.from(bytes), points, isMasked, 1_000);
      } catch (error) {
        expect(error).toBeInstanceOf(FrameError);
      }
    }));
  });

  const frame = encodeFrame;
  const bytesOf = (...parts: (Buffer | number[])[]): Buffer => Buffer.concat(parts.map((part) => Buffer.from(part)));
  it.each([
    ['masked frame', frame(1, Buffer.from('x'), Buffer.from([1, 2, 3, 4])), 1002],
    ['reserved bits', bytesOf([0xc1, 0]), 1002],
    ['unknown kind 3', bytesOf([0x83, 0]), 1002],
    ['unknown kind 11', bytesOf([0x8b, 0]), 1002],
    ['fragment of no message', frame(0, Buffer.from('x'), undefined), 1002],
    ['within the fragments', bytesOf(frame(1, Buffer.from('x'), undefined, false), frame(1, Buffer.from('y'), undefined)), 1002],
    ['in fragments', frame(9, Buffer.from('x'), undefined, false), 1002],
    ['more than 125', frame(9, Buffer.alloc(126), undefined), 1002],
    ['code 1005', frame(8, encodeClose(1005, ''), undefined), 1002],
    ['code 0', frame(8, Buffer.from([3]), undefined), 1002],
    ['no UTF-8', frame(1, Buffer.from([0xff, 0xfe]), undefined), 1007],
    ['limit is 1000', frame(2, Buffer.alloc(1_001), undefined), 1009],
    ['limit is 1000', bytesOf(frame(2, Buffer.alloc(600), undefined, false), frame(0, Buffer.alloc(600), undefined)), 1009],
    ['limit is 1000', bytesOf([0x82, 127, 255, 255, 255, 255, 255, 255, 255, 255]), 1009],
  ])('refuse: %s', (part, bytes, closeCode) => {
    const decoded = (): Heard => decode(bytes, [], false, 1_000);
    expect(decoded).toThrow(part);
    expect(decoded).toThrow(expect.objectContaining({ closeCode }));
  });
});
