import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { composeReply, countTokens, moderate } from './text.ts';

test('the same prompt and seed give the same reply, within its tokens', () => {
  fc.assert(fc.property(fc.string(), fc.nat(), fc.integer({ min: 1, max: 100 }), (prompt, seed, tokensMax) => {
    const reply = composeReply(prompt, seed, tokensMax).join('');
    expect(composeReply(prompt, seed, tokensMax).join('')).toBe(reply);
    expect(countTokens(reply)).toBeLessThanOrEqual(tokensMax);
    expect(reply.length).toBeGreaterThan(0);
  }));
});

test('another seed gives another reply', () => {
  const replies = new Set(Array.from({ length: 20 }, (_, seed) => composeReply('hello', seed, 512).join('')));
  expect(replies.size).toBeGreaterThan(10);
});

test('moderation names every category found', () => {
  expect(moderate('a quiet evening')).toEqual({ flagged: false, categories: [] });
  expect(moderate('Bomb and suicide')).toEqual({ flagged: true, categories: ['violence', 'self-harm'] });
});
