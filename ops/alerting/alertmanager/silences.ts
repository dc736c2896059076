/** Silences that an outside Alertmanager keeps. */
import { z } from 'zod';
import { SoraError } from '../../core/error.ts';
import type { Host } from '../../core/host.ts';
import type { MatchOperator, Matcher } from '../../metricstore/series.ts';
import type { NewSilence } from '../routing/actions.ts';
import { formatMatcher } from '../routing/matcher.ts';
import type { SilenceView } from '../routing/view.ts';
import { exchange } from './post.ts';

const silence = z.object({
  id: z.string(),
  status: z.object({ state: z.enum(['active', 'pending', 'expired']) }),
  matchers: z.array(z.object({ name: z.string(), value: z.string(), isRegex: z.boolean(), isEqual: z.boolean().default(true) })),
  startsAt: z.string(),
  endsAt: z.string(),
  createdBy: z.string(),
  comment: z.string(),
});

const api = (url: string, path: string): string => `${url.replace(/\/+$/, '')}/api/v2/${path}`;

function parse<Reply>(schema: z.ZodType<Reply>, text: string): Reply {
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw new SoraError('alertmanager_reply', 'the reply of Alertmanager is not understood', { status: 502, hint: 'its API must be version 2', cause: error });
  }
}

/** @throws SoraError where Alertmanager does not answer */
export async function listSilences(host: Host, url: string): Promise<SilenceView[]> {
  return parse(z.array(silence), await exchange(host, 'GET', api(url, 'silences'), undefined)).map(({ id, status, matchers, startsAt, endsAt, createdBy, comment }) => ({
    id, state: status.state, author: createdBy, comment, startsAtMs: Date.parse(startsAt), endsAtMs: Date.parse(endsAt),
    matchers: matchers.map(({ name, value, isRegex, isEqual }) => formatMatcher({ name, value, operator: isEqual ? (isRegex ? '=~' : '=') : isRegex ? '!~' : '!=' })),
  }));
}

/** @returns the id it was given */
export async function makeSilence(host: Host, url: string, { matchers, startsAtMs, endsAtMs, author, comment }: NewSilence): Promise<string> {
  const body = { matchers: matchers.map(toMatcher), startsAt: new Date(startsAtMs).toISOString(), endsAt: new Date(endsAtMs).toISOString(), createdBy: author, comment };
  return parse(z.object({ silenceID: z.string() }), await exchange(host, 'POST', api(url, 'silences'), body)).silenceID;
}

export async function endSilence(host: Host, url: string, id: string): Promise<void> {
  await exchange(host, 'DELETE', api(url, `silence/${encodeURIComponent(id)}`), undefined);
}

function toMatcher({ name, value, operator }: Matcher): object {
  const is = (...operators: readonly MatchOperator[]): boolean => operators.includes(operator);
  return { name, value, isRegex: is('=~', '!~'), isEqual: is('=', '=~') };
}
