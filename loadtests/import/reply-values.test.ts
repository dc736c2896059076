import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTestHost } from '../../ops/core/test-host.ts';
import { Reply } from '../swarm/reply.ts';
import { htmlFields } from './html-fields.ts';
import { basic, carried, form, readIfAny, readSecrets, readValue, secret } from './kit.ts';
import { camelName, kebabName, singular, upperName } from './names.ts';
import type { Source } from './plan.ts';
import { setCookies } from './reply-values.ts';

const reply = (head: string, body: string): Reply => new Reply(200, head, Buffer.from(body));

describe('a value of a reply', () => {
  it.each<[Source, Reply, string | undefined]>([
    [{ kind: 'json', path: ['items', 1, 'id'] }, reply('', '{"items":[{"id":1},{"id":27}]}'), '27'],
    [{ kind: 'json', path: ['items', 0] }, reply('', '{"items":[]}'), undefined],
    [{ kind: 'json', path: ['__proto__', 'x'] }, reply('', '{}'), undefined],
    [{ kind: 'json', path: ['a'] }, reply('', '<p>'), undefined],
    [{ kind: 'json', path: [] }, reply('', '"alone"'), 'alone'],
    [{ kind: 'cookie', cookie: 'b' }, reply('Set-Cookie: a=1; Expires=Wed, 21 Oct 2037 07:28:00 GMT\r\nSet-Cookie: b=x=y; Path=/\r\nSet-Cookie: gone=; Max-Age=0', ''), 'x=y'],
    [{ kind: 'cookie', cookie: 'gone' }, reply('Set-Cookie: gone=1; Max-Age=0', ''), undefined],
    [{ kind: 'cookie', cookie: 't', isDecoded: true }, reply('Set-Cookie: t=a%3D%zz', ''), 'a%3D%zz'],
    [{ kind: 'cookie', cookie: 't', isDecoded: true }, reply('Set-Cookie: t=a%3D', ''), 'a='],
    [{ kind: 'header', header: 'x-next' }, reply('X-Next: 7', ''), '7'],
    [{ kind: 'location', segment: 1 }, reply('Location: https://other.test/notes/a%20b?x=1', ''), 'a b'],
    [{ kind: 'location', query: 'code' }, reply('Location: /back?state=1&code=a%2Bb', ''), 'a+b'],
    [{ kind: 'hidden-input', input: 'csrf' }, reply('', `<INPUT value='a&amp;b&#x41;&#66;' type="hidden" name=csrf><input name="csrf" value="typed">`), 'a&bAB'],
    [{ kind: 'meta', meta: 'token' }, reply('', '<meta content="t>1" name="token"/>'), 't>1'],
  ])('at %j is found by the rules of its kind', (source, from, value) => {
    expect(readIfAny(from, source)).toBe(value);
    if (value === undefined) expect(() => readValue(from, source)).toThrow(/^the reply \(status 200\) has no /);
    else expect(readValue(from, source)).toBe(value);
  });

  it('is read from any text without throwing', () => {
    fc.assert(fc.property(fc.string({ unit: fc.constantFrom('<', '>', 'input ', 'meta ', 'type=hidden ', 'name=', '"', "'", 'x', '=', '&#x', ';', ' ', 'value') }), fc.string(), (html, header) => {
      expect(htmlFields(html).every(({ name }) => name !== '')).toBe(true);
      expect(setCookies(header).every(({ name }) => name !== '')).toBe(true);
    }), { examples: [['', ' =']] });
  });
});

describe('the kit', () => {
  it('names every secret that is not set, and gives each user its own', async () => {
    const host = createTestHost();
    const withEnv = { process: { ...host.process, env: { A: 'user{user}@x.test', B: '' } } };
    await expect(readSecrets(['A', 'B', 'C'], withEnv)).rejects.toThrow('B, C are not set');
    const shared = await readSecrets(['A'], withEnv);
    expect([secret({ index: 0, shared }, 'A'), secret({ index: 41, shared }, 'A')]).toEqual(['user0@x.test', 'user41@x.test']);
    expect(() => secret({ index: 0, shared }, 'Z')).toThrow('Z was not read in setup');
  });
  it('carries what is there and says what is not', () => {
    expect(carried({ state: { id: '7' } }, 'id')).toBe('7');
    expect(() => carried<'id'>({ state: {} }, 'id')).toThrow('id is not known');
  });
  it('writes credentials and forms as their standards have them', () => {
    expect(basic('Aladdin:open sesame')).toBe('QWxhZGRpbjpvcGVuIHNlc2FtZQ==');
    expect(form([['a b', 'c&d'], ['a b', 'ż']])).toBe('a+b=c%26d&a+b=%C5%BC');
  });
});

describe('names', () => {
  it('are usable for whatever they are made of', () => {
    fc.assert(fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('__proto__', 'constructor', 'toString', 'class', 'await', '1st')), (text) => {
      const name = camelName(text, 'value');
      expect(name).toMatch(/^[A-Za-z][A-Za-z0-9]*$/);
      expect(name in {}).toBe(false);
      expect(() => new Function(`const ${name} = 1;`)).not.toThrow(); // oxlint-disable-line no-implied-eval, no-new-func, typescript/no-implied-eval
      expect(kebabName(text, 'step')).toMatch(/^[\w.:-]{1,64}$/);
      expect(upperName(text, 'SECRET')).toMatch(/^[A-Z0-9_]{1,40}$/);
    }));
  });
  it('read as people write them', () => {
    expect([camelName('X-CSRF-Token', ''), camelName('userID', ''), kebabName('GET /posts/{postId}', ''), upperName('accessToken', '')]).toEqual(['xCsrfToken', 'userId', 'get-posts-post-id', 'ACCESS_TOKEN']);
    expect(['posts', 'categories', 'boxes', 'address', 'status', 'news'].map(singular)).toEqual(['post', 'category', 'box', 'address', 'status', 'new']);
  });
});
