import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { importHar } from './har-import.ts';
import { readHar } from './har.ts';
import type { ImportReport } from './outcome.ts';
import { showTemplate } from './plan.ts';
import type { ScenarioPlan } from './plan.ts';
import { writeScenario } from './write-scenario.ts';

const options = { name: 'app', keepOrigins: [], keepStatic: false, pauseMaxMs: 60_000 };

/** A recording of a reply that holds a reference, and one request with a body. */
function importBody(postData: object, reference = 'abc12345&x'): { plan: ScenarioPlan; report: ImportReport; written: string } {
  const entry = (second: number, method: string, path: string, rest: object): object => ({
    startedDateTime: new Date(Date.UTC(2026, 0, 1) + second * 2_000).toISOString(), time: 10,
    request: { method, url: `http://app.test${path}`, headers: [], ...rest }, response: { status: 200, headers: [], content: { mimeType: 'application/json', text: JSON.stringify({ ref: reference }) } },
  });
  const har = { log: { entries: [entry(0, 'GET', '/start', {}), entry(1, 'POST', '/act', { postData })] } };
  const { plan, report } = importHar(readHar(har, 'x.har'), options);
  return { plan, report, written: writeScenario(plan, { origin: 'a test' }) };
}

/** The body of the request with what stands for its holes. */
function bodyOf({ plan }: { plan: ScenarioPlan }): string {
  const body = plan.steps.at(-1)?.requests[0]?.body;
  return body?.kind === 'text' ? showTemplate(body.text) : (body?.kind ?? '');
}

const json = (value: unknown): object => ({ mimeType: 'application/json', text: JSON.stringify(value) });
const multipart = (...fields: [head: string, value: string][]): object => ({
  mimeType: 'multipart/form-data; boundary=xYz', text: `${fields.map(([head, value]) => `--xYz\r\nContent-Disposition: form-data; ${head}\r\n\r\n${value}\r\n`).join('')}--xYz--\r\n`,
});
const xml = (text: string): object => ({ mimeType: 'text/xml; charset=utf-8', text });

/** Every way we know to send a secret under a name that tells it. */
const ways: Readonly<Record<string, (value: string) => object>> = {
  'a field of a form': (value) => ({ mimeType: 'application/x-www-form-urlencoded', text: `user=jane&user[pin]=${value}` }),
  'a field of a form, beside its name': (value) => ({ mimeType: 'application/x-www-form-urlencoded', text: `name=password&value=${value}` }),
  'a field of a recorded form': (value) => ({ mimeType: '', params: [{ name: 'user', value: 'jane' }, { name: 'user_pass', value }] }),
  'a field of multipart': (value) => multipart(['name="user"', 'jane'], ['name="password"', value]),
  'a field of multipart, beside its name': (value) => multipart(['name="name"', 'password'], ['name="value"', value]),
  'a file of multipart': (value) => multipart(['name="config"; filename="app.ini"', `[login]\npassword is ${value}\n`]),
  'JSON within multipart': (value) => multipart(['name="meta"', JSON.stringify({ login: { password: { is: value } } })]),
  'recorded fields of multipart': (value) => ({ mimeType: 'multipart/form-data', params: [{ name: 'password', value }, { name: 'photo', fileName: 'a.png', contentType: 'image/png' }] }),
  'multipart that is not as it says': (value) => ({ mimeType: 'multipart/form-data; boundary=xYz', text: `name="password"\r\n\r\n${value}` }),
  'an element': (value) => xml(`<a:Login xmlns:a="urn:x"><a:User>jane</a:User><a:Password Type="text">${value}</a:Password></a:Login>`),
  'an element of an element': (value) => xml(`<?xml version="1.0"?>\n<login><credentials><user>jane</user><key>${value}</key></credentials></login>`),
  'an attribute': (value) => xml(`<login user="jane" pin='${value}'/>`),
  'an attribute beside its name': (value) => xml(`<params><param name="password" value="${value}"/></params>`),
  'an element named by its attribute': (value) => xml(`<params><param name="password">${value}</param></params>`),
  'an element behind its name': (value) => xml(`<dict><key>user</key><string>jane</string><key>password</key><string>${value}</string></dict>`),
  'an element before its name': (value) => xml(`<member><value><string>${value}</string></value><name>password</name></member>`),
  'XML with a comment': (value) => xml(`<login><!-- by hand --><password>${value}</password></login>`),
  'XML that is broken': (value) => xml(`<login><password>${value}</login>`),
  'a value under its name': (value) => json({ password: { value } }),
  'values under their name': (value) => json({ user: 'jane', credentials: { user: 'jane', keys: [{ key: value }] } }),
  'a value beside its name': (value) => json([{ name: 'user', value: 'jane' }, { name: 'password', value }]),
  'a value beside its name, in objects': (value) => json({ fields: [{ id: 'pin', newValue: { text: value } }] }),
  'a patch': (value) => json([{ op: 'replace', path: '/password', value }]),
  'a pair': (value) => json([['user', 'jane'], ['password', value]]),
  'JSON within JSON': (value) => json({ payload: JSON.stringify({ fields: [{ name: 'password', value }] }) }),
  'a number': (value) => json({ card: { cvv: { code: Number.parseInt(value, 36) } } }),
  'lines of JSON': (value) => ({ mimeType: 'application/x-ndjson', text: `{"a":1}\n{"password":{"value":"${value}"}}\n` }),
  'JSON that cannot be written again': (value) => json({ id: 2 ** 60, password: { value } }),
  'a text': (value) => ({ mimeType: 'text/plain', text: `the password\n${value}` }),
  'a coded text': (value) => ({ mimeType: 'application/json', encoding: 'base64', text: Buffer.from(JSON.stringify({ password: { value } })).toString('base64') }),
};

describe('a secret that looks like any word', () => {
  it.each(Object.entries(ways))('is not written where it is %s', (_what, way) => {
    fc.assert(fc.property(fc.stringMatching(/^z[a-z]{5,9}\d$/), (value) => {
      const { plan, report, written } = importBody(way(value));
      const told = written + JSON.stringify(report);
      expect(told).not.toContain(value);
      expect(told).not.toContain(String(Number.parseInt(value, 36)));
      expect(told).not.toContain(Buffer.from(value).toString('base64'));
      expect(plan.secrets.length).toBeGreaterThan(0);
    }), { numRuns: 15 });
  });

  it('is named after what it belongs to, and what stands beside it is kept', () => {
    const found = importBody(json({ user: 'jane', password: { value: 'hunter2' }, fields: [{ name: 'pin', value: 1234 }] }));
    expect(found.plan.secrets).toEqual(['APP_PASSWORD_VALUE', 'APP_PIN_VALUE']);
    expect(found.written).toContain("user: 'jane'");
    expect(importBody(multipart(['name="title"', 'Sunset'], ['name="otp"', '12 34'])).plan.secrets).toEqual(['APP_OTP']);
  });

  it('is hidden also around what is carried', () => {
    const { written, plan } = importBody(json({ password: 'hunter2-abc12345', authorization: 'Bearer abc12345' }), 'abc12345');
    expect(written).not.toContain('hunter2');
    expect(plan.secrets).toEqual(['APP_PASSWORD']);
    expect(written).toContain("`Bearer ${carried(user, 'startRef')}`");
  });

  it('is not written where it is a name', () => {
    expect(importBody(json({ 'jane@example.com': { role: 'owner' } })).written).not.toContain('jane@');
    expect(importBody({ mimeType: 'application/x-www-form-urlencoded', text: 'jane%40example.com=owner' }).written).not.toContain('jane');
  });
});

describe('a secret of a query', () => {
  it.each(['/check?field=password&value=hunter2', '/check?user[pin]=hunter2', '/open?eyJhbGciOiJIUzI1NiJ9.hunter2', '/check?filter=%7B%22password%22%3A%7B%22is%22%3A%22hunter2%22%7D%7D'])('is not written: %s', (path) => {
    const har = { log: { entries: [{ startedDateTime: '2026-01-01T00:00:00Z', request: { method: 'GET', url: `http://app.test${path}`, headers: [] }, response: { status: 200, headers: [] } }] } };
    const { plan } = importHar(readHar(har, 'x.har'), options);
    expect(writeScenario(plan, { origin: 'a test' })).not.toContain('hunter2');
    expect(plan.secrets).toHaveLength(1);
  });
});

describe('what holds no secret', () => {
  it.each([
    ['multipart', multipart(['name="title"', 'Sunset'], ['name="photo"; filename="a.txt"\r\nContent-Type: text/plain', 'a\r\n\r\nb'], ['name="none"', ''])],
    ['XML', xml('<?xml version="1.0"?>\n<a:order xmlns:a=\'urn:x\' >\n  <line nr="1" note="a &amp; b"> 3 &lt; 4 </line><empty/>\n</a:order>\n')],
    ['text', { mimeType: 'text/plain', text: 'a=1; b' }],
  ])('is sent as it was: %s', (_what, postData) => {
    const found = importBody(postData);
    expect(bodyOf(found)).toBe((postData as { text: string }).text);
    expect(found.plan.secrets).toEqual([]);
  });

  it('carries values into multipart and XML, there as XML holds them', () => {
    expect(bodyOf(importBody(multipart(['name="ref"', 'abc12345&x'])))).toContain('\r\n\r\n{startRef}\r\n--xYz--');
    const { written, report } = importBody(xml('<a ref="abc12345&amp;x"><b>x &amp; v:abc12345&amp;x</b></a>'));
    expect(written).toContain("`<a ref=\"${xmlText(carried(user, 'startRef'))}\"><b>x &amp; v:${xmlText(carried(user, 'startRef'))}</b></a>`");
    expect(written).toMatch(/import \{ carried, readValue, xmlText \}/);
    expect(report.carried[0]?.to).toEqual(['body ref of POST /act', 'body b of POST /act']);
  });

  it('is written as multipart from its fields, with a boundary where none was recorded', () => {
    const found = importBody({ mimeType: 'multipart/form-data', params: [{ name: 'ti"tle', value: 'Sunset' }, { name: 'photo', fileName: 'a.png', contentType: 'image/png' }] });
    expect(bodyOf(found)).toBe('--sora-import-boundary\r\nContent-Disposition: form-data; name="ti%22tle"\r\n\r\nSunset\r\n--sora-import-boundary\r\n' +
      'Content-Disposition: form-data; name="photo"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n\r\n--sora-import-boundary--\r\n');
    expect(found.written).toContain("'content-type': 'multipart/form-data; boundary=sora-import-boundary'");
    expect(found.report.notes).toContain('1 upload(s) were recorded without what is in their files, and send empty ones');
  });

  it('is left out, and told, where it cannot be written', () => {
    const bytes = Buffer.from([0xff, 0xfe, 0]).toString('base64');
    expect(importBody({ mimeType: 'image/png', encoding: 'base64', text: bytes }).report).toMatchObject({ requests: 1, leftOut: [{ what: 'requests with a body that is no text, which a journey does not send', count: 1 }] });
    expect(importBody({ mimeType: 'application/json', params: [{ name: 'a', value: 'b' }] }).report.leftOut).toMatchObject([{ what: 'requests whose body the recording tells only in parts' }]);
  });
});
