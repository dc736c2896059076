import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fateOfWrite, judgeStatus } from './replies.ts';
import { bodyOf, checkPath, headerLines, namesContentType } from './request-text.ts';

describe('what goes on the wire', () => {
  // č, Ċ and Ā end in the bytes of a carriage return, a line feed and a nought; 名 and the last in others.
  const odd = ['\r', '\n', '\r\n', '\0', '\u007f', '\u010d', '\u010a', '\u0100', '\u540d', '\u{1f600}'];
  it('never holds a line break that an author slipped into a header, nor what would become one', () => {
    const text = fc.string({ unit: fc.constantFrom('a', ' ', '\t', ':', '\u00e9', '\u00ff', ...odd), maxLength: 6 });
    fc.assert(
      fc.property(text, text, (name, value) => {
        if (odd.some((part) => (name + value).includes(part))) expect(() => headerLines({ [name]: value })).toThrow(/^header .* holds (a line break|the character U\+)/);
        else {
          const lines = headerLines({ [name]: value });
          expect(lines).toBe(`${name}: ${value}\r\n`);
          expect(Buffer.from(lines, 'latin1').toString('latin1')).toBe(lines);
        }
      }),
    );
  });

  it('names the header and the character that it cannot carry, and what to do', () => {
    expect(() => headerLines({ 'x-city': 'Plze\u0148' })).toThrow(
      expect.objectContaining({ code: 'malformed_request', message: 'header "x-city" holds the character U+0148', hint: expect.stringContaining('percent-encode') }) as Error,
    );
  });

  it.each(['', 'feed', '/a b', '/a\r\nHost: x', '/ż', '/a\u007f'])('refuses the path %j', (path) => {
    expect(() => checkPath(path)).toThrow('must begin with /');
  });

  it('sends objects as JSON, and text and bytes as they are', () => {
    expect(bodyOf({ a: 1 })).toEqual({ body: '{"a":1}', type: 'content-type: application/json\r\n' });
    expect(bodyOf('plain')).toEqual({ body: 'plain', type: '' });
    expect(bodyOf(new Uint8Array([1, 2]).subarray(1)).body).toEqual(Buffer.from([2]));
    expect(bodyOf(undefined).body).toBeUndefined();
    expect([namesContentType({ 'Content-Type': 'x' }), namesContentType({ accept: 'x' }), namesContentType(undefined)]).toEqual([true, false, false]);
  });
});

describe('what a status means', () => {
  it.each([
    [200, {}, 'ok'],
    [302, {}, 'ok'],
    [404, {}, 'failed'],
    [500, {}, 'failed'],
    [404, { expect: [404] }, 'ok'],
    [402, { refuse: [402] }, 'refused'],
    [429, { refuse: [402] }, 'failed'],
  ] as const)('%d with %j is %s', (status, request, verdict) => {
    expect(judgeStatus(status, request)).toBe(verdict);
  });

  it.each([
    [201, true, 'acknowledged'],
    [409, true, 'absent'],
    [302, true, 'absent'],
    [502, true, 'unknown'],
    [undefined, true, 'unknown'],
    [undefined, false, 'absent'],
  ] as const)('a write answered %s (bytes left: %s) is %s', (status, written, fate) => {
    expect(fateOfWrite(status, written)).toBe(fate);
  });
});
