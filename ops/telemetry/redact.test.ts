import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isCardNumber, isDni, isSteuerId, passesLuhn } from './redact-numbers.ts';
import { isSuspicious } from './redact-scan.ts';
import { applyRules, redactText } from './redact-text.ts';
import { isSensitiveKey, redactLine, redactObject } from './redact.ts';

const digits = (length: number): fc.Arbitrary<string> => fc.stringMatching(new RegExp(`^[0-9]{${length}}$`));
const tokenText = (min: number, max: number): fc.Arbitrary<string> => fc.stringMatching(new RegExp(`^[A-Za-z0-9_-]{${min},${max}}$`));

/** Appends the check digit that makes Luhn's sum a multiple of ten. */
function withLuhn(body: string): string {
  const check = Array.from('0123456789').find((digit) => passesLuhn(body + digit)) ?? '0';
  return body + check;
}

function group(number: string, sizes: readonly number[], separator: string): string {
  let at = 0;
  return sizes.map((size) => number.slice(at, (at += size))).join(separator);
}

/** First digits and length. */
const issued: readonly (readonly [string, number])[] = [
  ['4', 16], ['53', 16], ['37', 15], ['6011', 16], ['2221', 16], ['4', 13], ['4', 19], ['36', 14],
];

const card = fc
  .tuple(fc.constantFrom(...issued), digits(19), fc.constantFrom('', ' ', '-', '.'))
  .map(([[prefix, length], body, separator]) => {
    const number = withLuhn(prefix + body.slice(0, length - prefix.length - 1));
    return group(number, [4, 4, 4, 7], separator);
  })
  .filter((text) => isCardNumber(text.replaceAll(/\D/g, '')));

const email = fc
  .tuple(fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._+-]{0,20}$/), fc.stringMatching(/^[a-z0-9]{1,12}$/), fc.constantFrom('com', 'co.uk', 'example', 'de'))
  .map(([local, domain, end]) => `${local}@${domain}.${end}`);

const phone = fc.oneof(
  fc.tuple(fc.constantFrom('+1', '+44', '+49 ', '+34-'), digits(9)).map(([code, rest]) => code + rest),
  fc.tuple(digits(2), digits(2), digits(4), fc.constantFrom('-', '.', ' ')).map(([a, b, c, s]) => `2${a}${s}5${b}${s}${c}`),
  fc.tuple(digits(2), digits(2), digits(4)).map(([a, b, c]) => `(3${a}) 6${b}-${c}`),
  digits(9).map((rest) => `07${rest}`),
);

const ssn = fc.tuple(fc.integer({ min: 1, max: 665 }), fc.integer({ min: 1, max: 99 }), fc.integer({ min: 1, max: 9_999 }), fc.constantFrom('-', ' '))
  .map(([area, middle, serial, s]) => [String(area).padStart(3, '0'), String(middle).padStart(2, '0'), String(serial).padStart(4, '0')].join(s));
const nino = fc.tuple(fc.constantFrom('AB', 'CE', 'JK', 'YZ'), digits(6), fc.constantFrom('A', 'B', 'C', 'D'), fc.boolean())
  .map(([lead, body, end, isSpaced]) => (isSpaced ? `${lead} ${group(body, [2, 2, 2], ' ')} ${end}` : lead + body + end));
const dni = fc.integer({ min: 10_000_000, max: 99_999_999 }).map((n) => `${n}${'TRWAGMYFPDXBNJZSQVHLCKE'[n % 23]}`);
const jwt = fc.tuple(tokenText(10, 40), tokenText(10, 80), tokenText(20, 43)).map((parts) => `eyJ${parts.join('.')}`);

/** Text around a secret: words, punctuation and line ends, that touch it with no letter, digit or mark of a number. */
const around = fc.array(fc.constantFrom('paid', 'the user', 'wrote', ',', '(', '"', '\n', '\t', 'é', '{', ':', 'status 200', 'in 12 ms'), { maxLength: 6 })
  .map((parts) => parts.join(' '));
const embed = (secret: fc.Arbitrary<string>): fc.Arbitrary<{ secret: string; text: string }> =>
  fc.record({ secret, before: around, after: around, left: fc.constantFrom(' ', '\n', '"', ': '), right: fc.constantFrom(' ', '\n', '"', ', ') })
    .map(({ secret: s, before, after, left, right }) => ({ secret: s, text: before + left + s + right + after }));

const line = (value: unknown): string => `${JSON.stringify({ severity: 'INFO', time: '2026-01-01T00:00:00.000Z', value })}\n`;

/** The secret, and any way JSON would write it, is nowhere in the line. */
function expectGone(secret: string, written: string): void {
  expect(written).not.toContain(secret);
  expect(written).not.toContain(JSON.stringify(secret).slice(1, -1));
  expect(() => JSON.parse(written) as unknown).not.toThrow();
}

describe('secrets never survive', () => {
  const kinds = { card, email, phone, ssn, nino, dni, jwt };
  for (const [name, secret] of Object.entries(kinds)) {
    it(`${name} in text, nested fields, keys and errors`, () => {
      fc.assert(fc.property(embed(secret), ({ secret: hidden, text }) => {
        expectGone(hidden, redactLine(line(text)));
        expectGone(hidden, redactLine(line({ a: [{ b: text }], [text]: 1, err: { message: text, stack: `Error: ${text}\n  at x` } })));
      }), { numRuns: 150 });
    });
  }

  it('values behind telling names, in text and in keys of any case', () => {
    const name = fc.constantFrom('password', 'Passwd', 'api_key', 'apiKey', 'API-KEY', 'access_token', 'refreshToken', 'client_secret', 'sessionId');
    fc.assert(fc.property(name, tokenText(6, 40), fc.constantFrom('=', ': ', '": "', ' = ', '\\":\\"', "='"), around, (key, hidden, sign, text) => {
      fc.pre(!key.includes(hidden) && !text.includes(hidden));
      expectGone(hidden, redactLine(line(`${text} ${key}${sign}${hidden} ${text}`)));
      expectGone(hidden, redactLine(line({ deep: { [key]: hidden, more: { [key]: [hidden, { x: hidden }] } } })));
    }));
  });

  it('authorization, cookie and bearer headers, whole', () => {
    fc.assert(fc.property(tokenText(16, 60), tokenText(6, 30), (hidden, other) => {
      expectGone(hidden, redactLine(line(`sent Authorization: Bearer ${hidden}`)));
      expectGone(hidden, redactLine(line(`got bearer ${hidden}, failed`)));
      expectGone(hidden, redactLine(line(`Cookie: a=${other}; sid=${hidden}`)));
      expectGone(hidden, redactLine(line({ headers: { 'set-cookie': [`sid=${hidden}; HttpOnly`], Authorization: `Basic ${hidden}` } })));
      expectGone(hidden, redactLine(line(`connect postgres://user:${hidden}@db.internal:5432/avalo`)));
    }));
  });

  it('cards touching letters, several in one text, numbers as JSON numbers', () => {
    expect(redactText('card4111111111111111x')).toBe('card[card]x');
    expect(redactText('1 4111 1111 1111 1111 and 5500-0000-0000-0004')).toBe('1 [card] and [card]');
    expect(redactObject({ n: 4111111111111111 })).toEqual({ n: '[card]' });
  });

  it('private keys and provider keys', () => {
    const key = `-----BEGIN RSA PRIVATE KEY-----\n${'MIIE'.repeat(40)}\n-----END RSA PRIVATE KEY-----`;
    expect(redactText(`key ${key} end`)).toBe('key [redacted] end');
    expect(redactText('using sk_live_abcdef1234567890 and AKIAABCDEFGHIJKLMNOP')).toBe('using [redacted] and [redacted]');
  });

  it('a secret that lies across the cut of a long text', () => {
    const written = redactLine(line(`${'word '.repeat(1_636)} mail bob.the.builder@example.com ${'tail '.repeat(9_000)}`));
    expect(written).not.toMatch(/bob\.|builder/);
  });
});

describe('what is clean stays as it is', () => {
  it('leaves words, times, ids, prices and addresses of machines alone', () => {
    const clean = [
      'request served in 12.345678901 ms', 'order 1700000000000 shipped', 'at 1700000000000123 us', '2026-11-21T12:00:00.123Z',
      'from 21-11-2026 10:30 on', 'ip 192.168.100.12 port 54321', 'commit 0123456789abcdef0123456789abcdef01234567', 'pino@10.4.0 loaded',
      'trace 4bf92f3577b34da6a3ce929d0e0e4736', '0198f9a2-7b41-7c3e-9d52-3f6a8c1e4b70', 'counted 512 tokens', 'balance 12345678901 units',
      'a basic subscription', 'bearer of news', 'user 123456789 logged in', 'v1.2.3-rc.4', 'range 10000000-20000000', '4111 1111 1111 1112',
    ];
    for (const text of clean) expect(redactText(text)).toBe(text);
  });

  it('gives a line without suspicion back as the same string', () => {
    fc.assert(fc.property(fc.array(fc.constantFrom('user', 'wrote', 'post', '17', 'of', '200', 'é', '✓', '\n', '{}')), (words) => {
      const text = line({ message: words.join(' '), durationMs: 1.25, tokens: 5 });
      const tail = text.indexOf('"value"');
      expect(redactLine(text, tail)).toBe(text);
    }));
  });

  it('keeps epoch times and ids that are no card: wrong issuer, length or check digit', () => {
    fc.assert(fc.property(fc.integer({ min: 1_600_000_000_000, max: 1_999_999_999_999 }), (id) => {
      expect(redactText(`order ${id}`)).toBe(`order ${id}`);
      expect(redactObject(id)).toBe(id);
    }));
    fc.assert(fc.property(card, (number) => {
      const plain = number.replaceAll(/\D/g, '');
      const wrong = plain.slice(0, -1) + String((Number(plain.at(-1)) + 1) % 10);
      expect(isCardNumber(wrong)).toBe(false);
    }));
  });
});

describe('the scan', () => {
  it('says yes wherever a rule would change something, on text and on the JSON of it', () => {
    const any = fc.oneof(card, email, phone, ssn, nino, dni, jwt);
    fc.assert(fc.property(embed(any), ({ text }) => {
      expect(isSuspicious(text)).toBe(true);
      expect(isSuspicious(JSON.stringify(text))).toBe(true);
    }), { numRuns: 500 });
  });

  it('says yes to whatever the rules change in text made of digits, separators and single letters', () => {
    const piece = fc.oneof(
      fc.stringMatching(/^[0-9]{1,5}$/), fc.constantFrom(' ', '-', '.', '/', '(', ')', ') ', '+', '0', 'a', 'X', 'B', '\u00a0', '\u2009', '\n', 'token', 's', '=', '@', '.com', 'é'),
    );
    fc.assert(fc.property(fc.array(piece, { maxLength: 16 }), (pieces) => {
      const text = pieces.join('');
      if (applyRules(text) === text) return;
      expect([text, isSuspicious(text), isSuspicious(JSON.stringify(text))]).toEqual([text, true, true]);
    }), { numRuns: 3_000 });
  });

  it('says yes to every sensitive key as JSON writes it', () => {
    const keys = ['password', 'pass', 'PWD', 'X-Api-Key', 'api.key', 'accessToken', 'ssn', 'SSN', 'pin', 'cvv2', 'card_number', 'phoneNumber', 'e-mail', 'tax id', 'set-cookie', 'auth', 'jwt', 'otp', 'iban', 'national_id', 'mobile', 'socialSecurityNumber', 'nino'];
    for (const key of keys) {
      expect([key, isSensitiveKey(key)]).toEqual([key, true]);
      expect([key, isSuspicious(line({ [key]: 'x' }), 48)]).toEqual([key, true]);
    }
    for (const key of ['tokens', 'tokenCount', 'maxTokens', 'author', 'status', 'panel', 'pinned', 'compass']) expect([key, isSensitiveKey(key)]).toEqual([key, false]);
  });
});

describe('bounds', () => {
  it('cuts depth, arrays, entries and length, and stays valid JSON', () => {
    let deep: unknown = 'bottom';
    for (let level = 0; level < 50; level++) deep = { deep };
    const big = { deep, list: Array.from({ length: 5_000 }, (_, n) => n), text: 'x'.repeat(100_000) };
    const written = redactLine(line(big));
    expect(written.length).toBeLessThan(20_000);
    expect(JSON.parse(written)).toMatchObject({ truncatedFromChars: expect.any(Number) as number });
  });

  it('takes time in proportion to the length of hostile text', () => {
    for (const hostile of ['a'.repeat(8_000), '1 '.repeat(4_000), 'eyJ'.repeat(2_700), '@'.repeat(8_000), 'token '.repeat(1_300), '://a'.repeat(2_000), 'a@a.'.repeat(2_000), '+1'.repeat(4_000)]) {
      const startMs = performance.now();
      redactText(`${hostile}@ password`);
      expect([hostile.slice(0, 8), performance.now() - startMs < 250]).toEqual([hostile.slice(0, 8), true]);
    }
  });
});

describe('check digits', () => {
  it('knows the published examples', () => {
    expect(isSteuerId('86095742719')).toBe(true);
    expect(isSteuerId('86095742718')).toBe(false);
    expect(isDni('12345678Z')).toBe(true);
    expect(isDni('X1234567L')).toBe(true);
    expect(isDni('12345678A')).toBe(false);
    expect(redactText('id 86095742719 and 12345678Z or X1234567L')).toBe('id [tax-id] and [dni] or [dni]');
  });
});
