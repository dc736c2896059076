import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { fingerprintOf } from './alert.ts';

/** FNV-1a as it is written down: http://www.isthe.com/chongo/tech/comp/fnv/ */
function plainly(labels: Readonly<Record<string, string>>): string {
  let hash = 0xcbf29ce484222325n;
  for (const name of Object.keys(labels).sort()) {
    for (const byte of Buffer.from(`${name}\u00ff${labels[name] ?? ''}\u00ff`)) hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
  }
  return hash.toString(16).padStart(16, '0');
}

test('a fingerprint is that of the labels, whatever their order and script', () => {
  // Stored alerts, acknowledgements and silences hold it: it never changes.
  expect(fingerprintOf({})).toBe('cbf29ce484222325');
  expect(fingerprintOf({ severity: 'critical', alertname: 'Down' })).toBe(plainly({ alertname: 'Down', severity: 'critical' }));
  const word = fc.string({ unit: fc.constantFrom('a', 'b', '"', '\u0000', '\u00ff', '\u20ac', '\u{1f600}'), maxLength: 12 });
  fc.assert(fc.property(fc.dictionary(word, word, { noNullPrototype: true, maxKeys: 4 }), (labels) => {
    const fingerprint = fingerprintOf(labels);
    expect(fingerprint).toBe(plainly(labels));
    expect(fingerprintOf(labels)).toBe(fingerprint);
  }));
});
