import { expect, test } from 'vitest';
import { budgetResetsInS, dailyTokensMax, findCompanion, requireBudget, requireSameMessage } from './rules.ts';

const nowMs = Date.UTC(2026, 0, 1, 23, 59, 30, 500);

test('the budget refuses with the time to midnight UTC', () => {
  expect(budgetResetsInS(nowMs)).toBe(30);
  expect(budgetResetsInS(Date.UTC(2026, 0, 1))).toBe(86_400);
  requireBudget(dailyTokensMax - 1, nowMs);
  expect(() => requireBudget(dailyTokensMax, nowMs)).toThrow(expect.objectContaining({ status: 429, code: 'ai_budget_exhausted', extra: { retryAfterS: 30 } }));
});

test('a key that belongs to another message is refused', () => {
  requireSameMessage({ companionId: 1, prompt: 'a' }, 1, 'a');
  expect(() => requireSameMessage({ companionId: 1, prompt: 'a' }, 2, 'a')).toThrow(expect.objectContaining({ status: 409 }));
  expect(() => requireSameMessage({ companionId: 1, prompt: 'a' }, 1, 'b')).toThrow(expect.objectContaining({ status: 409 }));
});

test('unknown companions are not found', () => {
  expect(findCompanion(1)?.name).toBe('Mira');
  expect(findCompanion(99)).toBeUndefined();
});
