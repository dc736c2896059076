import { sleep } from 'k6';
import http from 'k6/http';
import type { Options } from 'k6/options';
import { counted } from './summary.ts';

/** A request, then 1 to 3 s of thought. */
export const options: Options = { discardResponseBodies: true, vus: Number(__ENV['USERS']), duration: __ENV['DURATION'] ?? '20s' };

const url = `${__ENV['TARGET'] ?? ''}/`;

export default function get(): void {
  http.get(url);
  sleep(1 + 2 * Math.random());
}

export const handleSummary = counted;
