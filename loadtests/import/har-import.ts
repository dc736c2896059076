import { Correlator } from './correlate.ts';
import type { Carried } from './correlate.ts';
import type { HarEntry } from './har.ts';
import { planRequest } from './har-request.ts';
import { selectEntries } from './har-select.ts';
import type { Kept, SelectOptions } from './har-select.ts';
import { divideIntoActs, endOf, pauseOf, startOf } from './har-steps.ts';
import type { Act } from './har-steps.ts';
import { kebabName, Names } from './names.ts';
import { offersOf } from './offers.ts';
import type { Offer } from './offers.ts';
import type { ImportReport } from './outcome.ts';
import { partsOf, showTemplate } from './plan.ts';
import type { RequestPlan, ScenarioPlan, StepPlan } from './plan.ts';
import { describeSource } from './reply-values.ts';
import { SecretBook } from './secrets.ts';

export interface HarImportOptions extends SelectOptions {
  readonly name: string;
  /** Longer pauses are cut to this. */
  readonly pauseMaxMs: number;
}

/** Of a scenario without any pause. */
const defaultPauseMs = 1_000;
/** A secret found late may stand in an earlier request too; each round looks again with those known. */
const roundsMax = 5;

/**
 * Turns a recorded session into a journey. Pure.
 * @throws SoraError `invalid_config` where nothing is left to replay
 */
export function importHar(entries: readonly HarEntry[], options: HarImportOptions): { plan: ScenarioPlan; report: ImportReport } {
  const { kept, leftOut, origin } = selectEntries(entries, options);
  const { requests, carried, secrets, ownIds } = correlateAll(kept, options.name);
  const acts = divideIntoActs(kept, options.pauseMaxMs);
  const steps = stepsOf(acts, requests);
  const pauses = acts.flatMap(({ pauseMs }) => (pauseMs === undefined ? [] : [pauseMs]));
  const meanMs = pauses.length === 0 ? defaultPauseMs : Math.round(pauses.reduce((sum, pauseMs) => sum + pauseMs, 0) / pauses.length);
  const label = (index: number): string => labelOf(requests[index]);
  return {
    plan: { name: options.name, description: `recorded at ${new URL(origin).host}`, thinkTimeMs: pauseOf(meanMs), steps, secrets },
    report: {
      origin,
      operations: steps.length,
      requests: requests.length,
      carried: carried.map(({ name, from, source, uses }) => ({
        name,
        from: `${describeSource(source)} of ${label(from)}`,
        to: [...new Set(uses.map(({ request, place }) => `${place} of ${label(request)}`))],
      })),
      secrets,
      leftOut,
      notes: [...notesOf(kept, acts, options), ...ownIds.slice(0, 10).map((name) => `${name} is an id that no reply holds; every user sends the recorded one. If the page made it up, write user.writeId() in its place`)],
    },
  };
}

interface Correlated {
  readonly requests: readonly RequestPlan[];
  readonly carried: readonly Carried[];
  readonly secrets: readonly string[];
  readonly ownIds: readonly string[];
}

function correlateAll(kept: readonly Kept[], name: string): Correlated {
  const offers = kept.map(({ entry, url }) => offersOf(entry, url));
  const book = new SecretBook(name);
  const found = correlateWith(book, kept, offers);
  const names = [...found.carried.map((each) => each.name), ...found.secrets];
  const judge = new SecretBook(name, book.values);
  // Names were given before all secrets were known: where one holds a secret, once more with all of them.
  return names.every((each) => judge.untold(each, '') !== '') ? found : correlateWith(judge, kept, offers);
}

function correlateWith(book: SecretBook, kept: readonly Kept[], offers: readonly (readonly Offer[])[]): Correlated {
  for (let round = 1; ; round++) {
    const known = book.count;
    const correlator = new Correlator(book);
    const plans = kept.map((each, index) => {
      correlator.begin(index, startOf(each));
      const plan = planRequest(each, (slot) => correlator.fill(slot));
      correlator.learn(index, endOf(each), offers[index] ?? []);
      return plan;
    });
    if (book.count > known && round < roundsMax) continue;
    const { carried } = correlator;
    const requests = plans.map((plan, index) => ({ ...plan, takes: carried.filter(({ from }) => from === index).map(({ name, source }) => ({ name, source })) }));
    return { requests, carried, secrets: secretsIn(requests), ownIds: correlator.ownIds };
  }
}

/** The secrets that the requests do read; some found at first may have turned out to be carried. */
function secretsIn(requests: readonly RequestPlan[]): string[] {
  return [...new Set(partsOf(requests).flatMap((part) => (part.kind === 'secret' ? [part.name] : [])))];
}

function stepsOf(acts: readonly Act[], requests: readonly RequestPlan[]): StepPlan[] {
  const names = new Names('-');
  return acts.map(({ requests: indices, pauseMs }) => {
    const own = indices.flatMap((index) => requests[index] ?? []);
    return { op: names.take(kebabName(labelOf(own[0]), 'step')), thinkTimeMs: pauseMs === undefined ? undefined : pauseOf(pauseMs), requests: own };
  });
}

/** `GET /posts/{postId}`, without the query. */
export function labelOf(request: Pick<RequestPlan, 'method' | 'path'> | undefined): string {
  return request === undefined ? '' : `${request.method} ${showTemplate(request.path).replace(/\?.*$/s, '')}`;
}

function notesOf(kept: readonly Kept[], acts: readonly Act[], { pauseMaxMs }: HarImportOptions): string[] {
  const notes: string[] = [];
  const cut = acts.filter(({ pauseMs }) => pauseMs === pauseMaxMs).length;
  if (cut > 0) notes.push(`${cut} pause(s) cut to ${pauseMaxMs / 1_000} s; change that with --think-max`);
  const bodies = kept.filter(({ entry }) => (entry.response.content?.text ?? '') !== '').length;
  if (bodies === 0) notes.push('the recording holds no bodies of replies, so nothing in them could be carried; save it "with content"');
  const emptied = kept.filter(({ entry: { request: { postData } } }) => (postData?.text ?? '') === '' && (postData?.params ?? []).some(({ fileName, value }) => fileName !== undefined && (value ?? '') === '')).length;
  if (emptied > 0) notes.push(`${emptied} upload(s) were recorded without what is in their files, and send empty ones`);
  const hasIdentity = kept.some(({ entry: { request, response } }) => [...request.headers, ...response.headers].some(({ name }) => /^(?:set-)?cookie$|^authorization$/i.test(name)));
  if (!hasIdentity) notes.push('the recording holds neither cookies nor authorization; browsers leave them out unless they are asked to save sensitive data too');
  const hosts = new Set(kept.map(({ url }) => url.host));
  if (hosts.size > 1) notes.push(`requests to ${[...hosts].join(', ')} all go to the one target`);
  return notes;
}
