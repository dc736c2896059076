import http from 'k6/http';
import type { Options } from 'k6/options';
import { counted } from './summary.ts';

/** One request after the other, without a pause, body left unread. */
export const options: Options = { discardResponseBodies: true, vus: Number(__ENV['USERS']), duration: __ENV['DURATION'] ?? '10s' };

const url = __ENV['URL'] ?? '';

export default function get(): void {
  http.get(url);
}

export const handleSummary = counted;
