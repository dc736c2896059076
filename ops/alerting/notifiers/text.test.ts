import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { integrationSettings } from './settings.ts';
import { clean, cut, fitLines, formatFigure, safeLink, withoutSecrets } from './text.ts';

describe('text of messages', () => {
  test('is cut to its limit without halving a character', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.integer({ min: 1, max: 40 }), (text, max) => {
      expect(cut(text, max).length).toBeLessThanOrEqual(max);
      expect(cut(text.toWellFormed(), max).isWellFormed()).toBe(true);
    }));
  });

  test('lines fit, and those left out are counted', () => {
    expect(fitLines(['a', 'b', 'c'], 100)).toBe('a\nb\nc');
    expect(fitLines(['aaaaaaaaaa', 'bbbbbbbbbb', 'cccccccccc'], 30)).toBe('aaaaaaaaaa\n… and 2 more');
    fc.assert(fc.property(fc.array(fc.string({ maxLength: 50 }), { maxLength: 30 }), fc.integer({ min: 20, max: 300 }), (lines, max) => {
      expect(fitLines(lines, max).length).toBeLessThanOrEqual(max);
    }));
  });

  test('holds no personal data, no secrets and no line breaks', () => {
    expect(clean('a\r\nBcc: x\u0000 kim@example.com password=hunter2')).toBe('a Bcc: x [email] password=[redacted]');
    const slack = integrationSettings.parse({ kind: 'slack', webhookUrl: 'https://hooks.slack.example/services/T0/B0/abcdef' });
    expect(withoutSecrets('failed at https://hooks.slack.example/services/T0/B0/abcdef', slack)).toBe('failed at [redacted]');
  });

  test.each([[0, '0'], [1.43214, '1.432'], [0.0213456, '0.02135'], [1432.6, '1,433'], [1e15, '1.000e+15'], [Number.NaN, 'NaN'], [-Infinity, '-Inf']])('writes %f as %s', (value, text) => {
    expect(formatFigure(value)).toBe(text);
  });

  test.each(['javascript:alert(1)', 'https://user:secret@example.com', 'runbooks/x.md', undefined])('makes no link of %s', (address) => {
    expect(safeLink(address)).toBeUndefined();
  });
});
