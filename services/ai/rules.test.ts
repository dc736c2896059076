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
  const stored = { companionId: 1, prompt: 'a' };
  requireSameMessage(stored, { companionId: 1, writeId: 'k', text: 'a' });
  for (const other of [{ companionId: 2, text: 'a' }, { companionId: 1, text: 'b' }]) {
    expect(() => requireSameMessage(stored, { ...other, writeId: 'k' })).toThrow(expect.objectContaining({ status: 409, code: 'idempotency_key_reused' }));
  }
});

test('unknown companions are not found', () => {
  expect(findCompanion(1)?.name).toBe('Mira');
  expect(findCompanion(99)).toBeUndefined();
});
