import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isBalanced, paymentKinds, refuseSelfTransfer, splitRevenue } from './rules.ts';

const tokens = fc.integer({ min: 1, max: 1_000_000_000_000 });

describe('splitRevenue', () => {
  it('splits by kind as the contract says', () => {
    expect(splitRevenue('chat', 100)).toEqual({ platform: 35, creator: 65 });
    expect(splitRevenue('tip', 100)).toEqual({ platform: 20, creator: 80 });
    expect(splitRevenue('gift', 100)).toEqual({ platform: 20, creator: 80 });
    expect(splitRevenue('live', 100)).toEqual({ platform: 30, creator: 70 });
  });

  it("rounds the platform's share down", () => {
    expect(splitRevenue('chat', 1)).toEqual({ platform: 0, creator: 1 });
    expect(splitRevenue('chat', 3)).toEqual({ platform: 1, creator: 2 });
    expect(splitRevenue('live', 9)).toEqual({ platform: 2, creator: 7 });
  });

  it('has parts that sum exactly and agree with exact arithmetic', () => {
    const percent = { chat: 35n, tip: 20n, gift: 20n, live: 30n };
    fc.assert(fc.property(fc.constantFrom(...paymentKinds), tokens, (kind, amount) => {
      const split = splitRevenue(kind, amount);
      expect(split.platform + split.creator).toBe(amount);
      expect(BigInt(split.platform)).toBe((BigInt(amount) * percent[kind]) / 100n);
    }));
  });
});

describe('refuseSelfTransfer', () => {
  it('refuses only a transfer to oneself', () => {
    expect(refuseSelfTransfer(7, 7)).toMatchObject({ status: 400, code: 'self_transfer' });
    expect(refuseSelfTransfer(7, 8)).toBeUndefined();
  });
});

describe('isBalanced', () => {
  const sound = {
    debits: 5, credits: 5, accountsChecked: 2, transfersChecked: 1, mismatchCount: 0, negativeCount: 0, brokenTransferCount: 0,
  };

  it('holds for a sound ledger and falls with each single fault', () => {
    expect(isBalanced(sound)).toBe(true);
    for (const fault of [{ debits: 6 }, { credits: 4 }, { mismatchCount: 1 }, { negativeCount: 1 }, { brokenTransferCount: 1 }]) {
      expect(isBalanced({ ...sound, ...fault })).toBe(false);
    }
  });
});
