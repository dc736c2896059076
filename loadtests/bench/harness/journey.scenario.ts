import { scenario } from '../../swarm/scenario.ts';
import type { VirtualUser } from '../../swarm/scenario.ts';

/** What the server of the journey answers with. */
interface Page {
  readonly user: number;
  readonly items: readonly { readonly id: number; readonly title: string }[];
}

interface Memory {
  lastItem: number;
}

async function readPage({ http, check, state }: VirtualUser<Memory>): Promise<void> {
  const reply = await http.request({ method: 'GET', path: `/page?after=${state.lastItem}`, name: 'page' });
  const page = reply.json<Page>();
  check(reply.status === 200, 'status is 200');
  check(page.items.length === 5, 'the page has 5 items');
  state.lastItem = page.items.at(-1)?.id ?? 0;
}

/** A journey as people write them: a token of one's own, JSON read, two checks, a value carried on. */
export default scenario<Memory>({
  name: 'bench-journey',
  description: 'a page of JSON with a token, checks and a carried value, then 1 to 3 s of thought',
  users: 10_000,
  rampMs: 0,
  holdMs: 20_000,
  thinkTimeMs: { kind: 'uniform', from: 1_000, to: 3_000 },
  pace: 'after-reply',
  journeys: [{ name: 'read', weight: 1, steps: [{ op: 'page', run: readPage }] }],
  thresholds: {},
  state: () => ({ lastItem: 0 }),
  headers: (user) => ({ authorization: `Bearer token-of-user-${user}` }),
});
