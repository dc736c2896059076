import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { Reply } from '../swarm/reply.ts';
import type { HttpReply, HttpRequest, Scenario, VirtualUser } from '../swarm/scenario.ts';
import { importHar } from './har-import.ts';
import { readHar } from './har.ts';
import { linkPackage } from './fixtures/link-package.ts';
import { writeScenario } from './write-scenario.ts';

const folder = mkdtempSync(join(tmpdir(), 'sora-import-'));
afterAll(() => rmSync(folder, { recursive: true }));
writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
linkPackage(folder);
const options = { name: 'trip', keepOrigins: [], keepStatic: false, pauseMaxMs: 60_000 };
let files = 0;

interface Recorded {
  readonly method: string;
  readonly segments: readonly string[];
  readonly query: readonly (readonly [string, string])[];
  readonly header: string | undefined;
  readonly body: unknown;
  readonly reply: { readonly json: unknown; readonly cookie: string | undefined; readonly status: number };
}

/** Values that recur: ids, words, and texts of any kind. */
const ids = fc.constantFrom('a1b2c3d4e5', '6fa459ea-ee8a-4ca4-894e-db77e160355e', '0f47ac10b58c', 'usr_88Qz1', '31337001234');
const pool = fc.oneof(
  { weight: 3, arbitrary: ids },
  fc.constantFrom('812', '90210', 'Sunset', 'order-a1b2c3d4e5', 'żółć', "it's", 'a/b?c&d=e', '${x}`', '100%', 'true'),
  fc.string({ unit: 'binary', maxLength: 12 }),
);
const plain = fc.stringMatching(/^[A-Za-z0-9]{1,12}$/);
const json = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' }, pool, fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer(), fc.boolean(), fc.constant(null),
    fc.array(tie('value'), { maxLength: 3 }), fc.dictionary(fc.constantFrom('id', 'items', 'postId', 'text', '__proto__', 'a-b'), tie('value'), { maxKeys: 3 }),
  ),
})).value;
const recordedRequest: fc.Arbitrary<Recorded> = fc.record({
  method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE'),
  segments: fc.array(pool.filter((text) => text !== '' && !/^\.{1,2}$/.test(text)), { minLength: 1, maxLength: 4 }),
  query: fc.array(fc.tuple(fc.constantFrom('after', 'postId', 'q'), pool), { maxLength: 2 }),
  header: fc.option(plain, { nil: undefined }),
  body: fc.option(fc.oneof(fc.array(json, { maxLength: 2 }), fc.dictionary(fc.constantFrom('id', 'ref', '__proto__'), json, { maxKeys: 2 })), { nil: undefined }),
  reply: fc.record({ json: fc.oneof(json, fc.array(ids, { minLength: 1, maxLength: 4 }), fc.record({ items: fc.array(fc.record({ id: ids }), { minLength: 1, maxLength: 3 }) })), cookie: fc.option(plain, { nil: undefined }), status: fc.constantFrom(200, 201, 404) }),
});

const pathOf = ({ segments, query }: Recorded): string =>
  `/${segments.map((text) => encodeURIComponent(text)).join('/')}${query.map(([name, text], index) => `${index === 0 ? '?' : '&'}${name}=${encodeURIComponent(text)}`).join('')}`;

function harOf(session: readonly Recorded[]): unknown {
  const cookies: string[] = [];
  const entries = session.map((each, index) => {
    const headers = [...(each.header === undefined ? [] : [{ name: 'X-Ref', value: each.header }]), ...(cookies.length === 0 ? [] : [{ name: 'Cookie', value: cookies.join('; ') }])];
    if (each.reply.cookie !== undefined) cookies.push(`c${index}=${each.reply.cookie}`);
    return {
      startedDateTime: new Date(Date.UTC(2026, 0, 1) + index * 2_000).toISOString(), time: 10,
      request: {
        method: each.method, url: `http://app.test${pathOf(each)}`, headers,
        ...(each.body === undefined ? {} : { postData: { mimeType: 'application/json', text: JSON.stringify(each.body) } }),
      },
      response: {
        status: each.reply.status, headers: each.reply.cookie === undefined ? [] : [{ name: 'Set-Cookie', value: `c${index}=${each.reply.cookie}; Path=/` }],
        content: { mimeType: 'application/json', text: JSON.stringify(each.reply.json) },
      },
    };
  });
  return JSON.parse(JSON.stringify({ log: { version: '1.2', entries } })) as unknown;
}

/** Plays the written file against the recorded replies and answers what it sent. */
async function play(source: string, session: readonly Recorded[]): Promise<HttpRequest[]> {
  const file = join(folder, `trip-${files++}.ts`);
  writeFileSync(file, source);
  const { default: written } = (await import(pathToFileURL(file).href)) as { default: Scenario<object> };
  const sent: HttpRequest[] = [];
  const request = (asked: HttpRequest): Promise<HttpReply> => {
    const index = sent.push(asked) - 1;
    const reply = session[index]?.reply;
    const head = reply?.cookie === undefined ? '' : `set-cookie: c${index}=${reply.cookie}; Path=/`;
    return Promise.resolve(new Reply(reply?.status ?? 0, head, Buffer.from(JSON.stringify(reply?.json ?? null))));
  };
  const failed: string[] = [];
  const check = (ok: boolean, name: string): boolean => {
    if (!ok) failed.push(name);
    return ok;
  };
  const user = { index: 0, step: 0, http: { request }, state: {}, shared: undefined, check, writeId: () => 'new', dropWrite: () => undefined } as unknown as VirtualUser<object>;
  for (const step of written.journeys.flatMap(({ steps }) => steps ?? [])) await step.run(user);
  expect(failed).toEqual([]);
  return sent;
}

const decoded = (path: string): unknown => {
  const url = new URL(path, 'http://app.test');
  return { path: url.pathname.split('/').map(decodeURIComponent), query: url.search.slice(1).split('&').map(decodeURIComponent) };
};

describe('a session that is imported, written and played against the same replies', () => {
  it('sends the same requests again', async () => {
    let carried = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(recordedRequest, { minLength: 1, maxLength: 6 }), async (session) => {
        const { plan, report } = importHar(readHar(harOf(session), 'session.har'), options);
        fc.pre(plan.secrets.length === 0);
        carried += report.carried.filter(({ from }) => !from.startsWith('set-cookie')).length;
        const sent = await play(writeScenario(plan, { origin: 'a test' }), session);
        expect(sent.map(({ method }) => method)).toEqual(session.map(({ method }) => method));
        expect(sent.map(({ path }) => decoded(path))).toEqual(session.map((each) => decoded(pathOf(each))));
        expect(sent.map(({ body }) => (body === undefined ? undefined : (JSON.parse(typeof body === 'string' ? body : JSON.stringify(body)) as unknown)))).toEqual(
          session.map(({ body }) => (body === undefined ? undefined : (JSON.parse(JSON.stringify(body)) as unknown))),
        );
        expect(sent.map(({ headers }) => headers?.['x-ref'])).toEqual(session.map(({ header }) => header));
        expect(sent.map(({ headers }) => headers?.['cookie'] ?? '')).toEqual(
          session.map((_, index) => session.slice(0, index).flatMap(({ reply }, at) => (reply.cookie === undefined ? [] : [`c${at}=${reply.cookie}`])).join('; ')),
        );
      }),
      { numRuns: 80 },
    );
    expect(carried).toBeGreaterThan(20);
  });

  it('never writes a secret, wherever it stands', () => {
    const secret = fc.stringMatching(/^[a-f0-9]{32}$|^[A-Za-z]{10}[0-9]{6}[A-Za-z]{12}$/).filter((text) => /\d/.test(text) && /[a-z]/.test(text) && (text.length === 32 || /[A-Z]/.test(text)));
    const place = fc.constantFrom('password', 'token', 'apiKey', 'authorization', 'cookie', 'segment', 'plain', 'text', 'query');
    fc.assert(fc.property(secret, fc.array(place, { minLength: 1, maxLength: 4 }), fc.boolean(), (value, places, again) => {
      const entry = (where: string, index: number): object => {
        const header = where === 'authorization' ? [{ name: 'Authorization', value: `Bearer ${value}` }] : where === 'cookie' ? [{ name: 'Cookie', value: `theme=dark; sid=${value}` }] : [];
        const path = where === 'segment' ? `/reset/${value}` : where === 'query' ? `/find?key=${value}&page=2` : '/act';
        const body = where === 'text' ? { mimeType: 'text/plain', text: `session_id=${value}; go` } : { mimeType: 'application/json', text: JSON.stringify({ [where]: value, note: again ? `see ${value} there` : '' }) };
        return {
          startedDateTime: new Date(Date.UTC(2026, 0, 1) + index * 2_000).toISOString(),
          request: { method: 'POST', url: `http://app.test${path}`, headers: header, ...(header.length > 0 || path !== '/act' ? {} : { postData: body }) },
          response: { status: 200, headers: [], content: { mimeType: 'application/json', text: '{"ok":true}' } },
        };
      };
      const { plan, report } = importHar(readHar({ log: { entries: places.map(entry) } }, 'session.har'), options);
      expect(writeScenario(plan, { origin: 'a test' }) + JSON.stringify(report)).not.toContain(value);
      expect(plan.secrets.length).toBeGreaterThan(0);
    }));
  });
});
