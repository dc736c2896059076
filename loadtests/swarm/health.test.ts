import { expect, it } from 'vitest';
import { CoreShare } from './health.ts';

it('takes the busiest 5 s, not the busiest second', () => {
  const share = new CoreShare();
  let cpuUs = 0;
  for (let second = 0; second <= 20; second++) {
    share.sample(second * 1_000, cpuUs);
    // One second at a full core, then five at 60 %, else 10 %.
    cpuUs += second === 3 ? 1_000_000 : second >= 10 && second < 15 ? 600_000 : 100_000;
  }
  expect(share.max).toBeCloseTo(0.6, 5);
});

it('takes all of a hold that is shorter than that', () => {
  const share = new CoreShare();
  share.sample(0, 0);
  share.sample(2_000, 500_000);
  expect(share.max).toBe(0);
  share.finish();
  expect(share.max).toBe(0.25);
});
