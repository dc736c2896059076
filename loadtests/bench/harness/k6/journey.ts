import { check, group, sleep } from 'k6';
import exec from 'k6/execution';
import http from 'k6/http';
import type { Options } from 'k6/options';
import { counted } from './summary.ts';

interface Page {
  readonly user: number;
  readonly items: readonly { readonly id: number; readonly title: string }[];
}

/** A page of JSON with a token, checks and a carried value, then 1 to 3 s of thought. */
export const options: Options = { vus: Number(__ENV['USERS']), duration: __ENV['DURATION'] ?? '20s' };

const target = __ENV['TARGET'] ?? '';
/** Each virtual user has a copy of this module, so this is its own memory. */
let lastItem = 0;

export default function read(): void {
  group('page', () => {
    const reply = http.get(`${target}/page?after=${lastItem}`, {
      headers: { authorization: `Bearer token-of-user-${exec.vu.idInTest}` },
      tags: { name: 'page' },
    });
    const page = reply.json() as unknown as Page;
    check(reply, {
      'status is 200': () => reply.status === 200,
      'the page has 5 items': () => page.items.length === 5,
    });
    lastItem = page.items.at(-1)?.id ?? 0;
  });
  sleep(1 + 2 * Math.random());
}

export const handleSummary = counted;
