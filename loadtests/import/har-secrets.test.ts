import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { importHar } from './har-import.ts';
import { readHar } from './har.ts';
import { renderReport } from './outcome.ts';
import { writeScenario } from './write-scenario.ts';

interface Sent {
  readonly ask: string;
  readonly body?: object | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly reply?: unknown;
}

/** What an import of these requests writes and says, and the names of what it left out. */
function importOf(...sent: readonly Sent[]): { told: string; written: string; secrets: readonly string[]; ops: string[] } {
  const entries = sent.map(({ ask, body, headers = {}, reply = { ok: true } }, index) => {
    const [method = '', path = ''] = ask.split(' ');
    return {
      startedDateTime: new Date(Date.UTC(2026, 0, 1) + index * 2_000).toISOString(), time: 10,
      request: { method, url: `http://app.test${path}`, headers: Object.entries(headers).map(([name, value]) => ({ name, value })), ...(body === undefined ? {} : { postData: body }) },
      response: { status: 200, headers: [], content: { mimeType: 'application/json', text: JSON.stringify(reply) } },
    };
  });
  const { plan, report } = importHar(readHar({ log: { entries } }, 'x.har'), { name: 'app', keepOrigins: [], keepStatic: false, pauseMaxMs: 60_000 });
  const written = writeScenario(plan, { origin: 'a test' });
  return { written, told: written + JSON.stringify(report) + renderReport(report, 'x.ts'), secrets: plan.secrets, ops: plan.steps.map(({ op }) => op) };
}

const json = (value: unknown): object => ({ mimeType: 'application/json', text: JSON.stringify(value) });
const form = (...fields: [string, string][]): object => ({ mimeType: 'application/x-www-form-urlencoded', text: new URLSearchParams(fields).toString() });
const multipart = (...fields: [string, string][]): object => ({
  mimeType: 'multipart/form-data; boundary=xYz', text: `${fields.map(([name, value]) => `--xYz\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`).join('')}--xYz--\r\n`,
});
const text = (value: string): object => ({ mimeType: 'text/plain', text: value });

describe('an import leaves out and tells', () => {
  it.each<[string, Sent, string[], string[]]>([
    ['short names', { ask: 'POST /login', body: json({ user: 'bob', passcode: 's3same', pw: 'hunter2' }) }, ['s3same', 'hunter2'], ['APP_PASSCODE', 'APP_PW']],
    ['values within GraphQL', { ask: 'POST /graphql', body: json({ query: 'mutation { pay(cvv:"937", pin:"4711", otp: "882310") { ok } }' }) }, ['937', '4711', '882310'], ['APP_QUERY']],
    ['what a message tells', { ask: 'POST /chat', body: json({ message: 'user entered pin 4711 and password hunter2x' }) }, ['4711', 'hunter2x'], ['APP_MESSAGE']],
    ['a segment behind its name', { ask: 'GET /reset-password/7hF93kd02LmQx1' }, ['7hF93', '7h-f93', 'LmQx1'], ['APP_RESET_PASSWORD_ID']],
    ['code and state of OAuth', { ask: 'GET /callback?code=splx1OBe&state=xyzzy&sid=abcab' }, ['splx1OBe', 'xyzzy', 'abcab'], ['APP_OAUTH_CODE', 'APP_OAUTH_STATE', 'APP_SID']],
    ['a signature', { ask: 'GET /image/7?sig=qwerty&page=2' }, ['qwerty'], ['APP_SIG']],
    ['an authorization request', { ask: 'GET /authorize?response_type=code&client_id=web&redirect_uri=%2Fcb&state=plainword' }, ['plainword'], ['APP_OAUTH_STATE']],
    ['an exchange of a code', { ask: 'POST /oauth/access', body: form(['grant_type', 'authorization_code'], ['code', 'fourwords'], ['redirect_uri', '/cb'], ['code_verifier', 'verywordy']) }, ['fourwords', 'verywordy'], ['APP_OAUTH_CODE', 'APP_CODE_VERIFIER']],
    ['a random code by itself', { ask: 'GET /join?code=XK7F9Q2PLM' }, ['XK7F9Q2PLM'], ['APP_CODE']],
    ['digits that were sent', { ask: 'POST /login', body: json({ name: 'bob', code: '482913' }) }, ['482913'], ['APP_CODE']],
    ['bare values of a request about a secret', { ask: 'PUT /users/7/password', body: json({ old: 'sunshine', new: 'moonlight' }) }, ['sunshine', 'moonlight'], ['APP_PASSWORD_OLD', 'APP_PASSWORD_NEW']],
    ['a body that is nothing else', { ask: 'PUT /users/7/pin', body: json('sunshine') }, ['sunshine'], ['APP_PIN_BODY']],
    ['letters at random behind their name', { ask: 'GET /verify/AbCdEfGhIjKlMnOp' }, ['AbCdEf', 'ab-cd'], ['APP_VERIFY_ID']],
    ['a key further behind its name', { ask: 'GET /password/reset/form/x9Kd83hhQ2/7' }, ['x9Kd83hhQ2'], ['APP_FORM_ID']],
    ['a parameter of a segment', { ask: 'GET /cart;jsessionid=ABC123/items' }, ['ABC123'], ['APP_JSESSIONID']],
    ['an address within a value', { ask: 'GET /go?to=%2Fcb%3Fcode%3Dabcab%26state%3Dxyzzy' }, ['abcab', 'xyzzy'], ['APP_TO']],
    ['an address within an address', { ask: 'GET /go?to=%2Fgo%3Fto%3D%252Fcb%253Fsid%253Dxyzzy' }, ['xyzzy'], ['APP_TO']],
    ['base64 of JSON', { ask: 'POST /x', body: json({ blob: Buffer.from('{"pin":"xyzzy"}').toString('base64') }) }, [Buffer.from('{"pin":"xyzzy"}').toString('base64')], ['APP_BLOB']],
    ['a name that is a key', { ask: 'GET /x?eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc=1' }, ['eyJ'], ['APP_QUERY']],
    ['what looks like a scheme', { ask: 'GET /x', headers: { authorization: 'sunshine moonlight' } }, ['sunshine'], ['APP_AUTHORIZATION']],
    ['a header of a signature', { ask: 'GET /x', headers: { 'x-signature': 'sunshine', 'x-csrf': 'moonlight' } }, ['sunshine', 'moonlight'], ['APP_X_SIGNATURE', 'APP_X_CSRF']],
    ['variables of GraphQL', { ask: 'POST /graphql', body: json({ query: 'mutation L($password: String!) { login(password: $password) { id } }', variables: { password: 'sunshine' } }) }, ['sunshine'], ['APP_PASSWORD']],
    ['a secret argument in an argument', { ask: 'POST /graphql', body: json({ query: 'mutation{login(input:{name:"bob",cred:{pw:"sunshine"}}){id}}' }) }, ['sunshine'], ['APP_QUERY']],
    ['a default of a variable', { ask: 'POST /graphql', body: json({ query: 'mutation M($p: String = "sunshine") { login(password: $p) { id } }' }) }, ['sunshine'], ['APP_QUERY']],
    ['a bare word as an argument', { ask: 'POST /graphql', body: json({ query: 'mutation { login(password: sunshine) { id } }' }) }, ['sunshine'], ['APP_QUERY']],
    ['a comment of GraphQL', { ask: 'POST /graphql', body: json({ query: 'query Q { me { id } } # password sunshine\n{ me { id } }' }) }, ['sunshine'], ['APP_QUERY']],
    ['a code beside how it was sent', { ask: 'POST /login', body: json({ user: 'bob', code: 'sunshine', method: 'sms' }) }, ['sunshine'], ['APP_SIGN_IN_CODE']],
    ['an element of a request about a secret', { ask: 'POST /otp/check', body: { mimeType: 'text/xml', text: '<a><code>sunshine</code></a>' } }, ['sunshine'], ['APP_OTP_CODE']],
    ['a random value in a link of a mail', { ask: 'GET /unsubscribe?u=1234&h=a7fkq93kd0x' }, ['a7fkq93kd0x'], ['APP_UNSUBSCRIBE_H']],
    ['the key of a webhook', { ask: 'GET /hooks/T1/B2/xK7fQ2pLmR8sVw3YzPq' }, ['xK7fQ2pLmR8sVw3YzPq'], ['APP_HOOK_ID']],
    ['a token of a card', { ask: 'POST /pay', body: json({ source: 'tok_1x9Kd83hhQ2' }) }, ['1x9Kd83hhQ2'], ['APP_SOURCE']],
    ['the words of a wallet', { ask: 'POST /wallet', body: json({ seed: 'horse battery staple' }) }, ['horse', 'staple'], ['APP_SEED']],
    ['a key of tokens', { ask: 'POST /x', body: json({ tokens: { x9Kd83hhQ2: true } }) }, ['x9Kd83hhQ2'], ['APP_BODY']],
    ['JSON in a path', { ask: 'GET /find/%7B%22pin%22%3A%22sunshine%22%7D' }, ['sunshine'], ['APP_FIND_ID']],
  ])('%s', (_what, sent, values, secrets) => {
    const found = importOf(sent);
    for (const value of values) expect(found.told.toLowerCase()).not.toContain(value.toLowerCase());
    expect(found.secrets).toEqual(secrets);
    for (const secret of secrets) expect(found.told).toContain(`\n  ${secret}\n`);
  });

  it('a secret from names, where it is a word that names other things', () => {
    const found = importOf(
      { ask: 'GET /list/sunshine', reply: { sunshine: { list: 'abc12345' } } }, { ask: 'GET /sunshine/812345/x?api_key=k-1' }, { ask: 'GET /sunshine/x9Kd83hhQ2TmB4vWc81NsEaY' }, { ask: 'POST /login', body: json({ password: 'sunshine' }) },
    );
    expect(found.told.toLowerCase()).not.toContain('sunshine');
  });
});

describe('an import keeps', () => {
  it.each<[string, Sent, string]>([
    ['the code of a country', { ask: 'GET /find?code=DE&q=pass' }, '/find?code=DE&q=pass'],
    ['a state of a filter', { ask: 'GET /shop?state=open&session=morning-2' }, '/shop?state=open&session=morning-2'],
    ['a voucher of words', { ask: 'GET /cart?code=SUMMER2024&key=newest-first' }, '/cart?code=SUMMER2024&key=newest-first'],
    ['a message that a password was forgotten', { ask: 'POST /chat', body: json({ message: 'I forgot my password, please help' }) }, 'I forgot my password, please help'],
    ['a text that a password was forgotten', { ask: 'POST /chat', body: text('Forgot password?') }, 'Forgot password?'],
    ['a message about e-mail', { ask: 'POST /chat', body: json({ message: 'Please send an email to the whole crew' }) }, 'Please send an email to the whole crew'],
    ['a kind that is called password', { ask: 'POST /x', body: form(['grant', 'password'], ['next', 'reset-password']) }, "['grant', 'password'], ['next', 'reset-password']"],
    ['a query of GraphQL that tells none', { ask: 'POST /graphql', body: json({ query: 'query { me { token email } posts(first: 10, tag: "sea") { id } }' }) }, 'query { me { token email } posts(first: 10, tag: "sea") { id } }'],
    ['a login of GraphQL by variables', { ask: 'POST /graphql', body: json({ query: 'mutation L($password: String!) { login(password: $password) { token } }' }) }, '{ login(password: $password) { token } }'],
    ['words behind a secret’s name', { ask: 'POST /password/forgot/complete' }, "'/password/forgot/complete'"],
    ['numbers of tokens', { ask: 'POST /wallet', body: json({ tokens: 500, maxTokens: 20, orderId: 7 }) }, 'tokens: 500'],
    ['ids', { ask: 'GET /posts/6fa459ea-ee8a-4ca4-894e-db77e160355e/comments/812' }, '/posts/6fa459ea-ee8a-4ca4-894e-db77e160355e/comments/812'],
    ['versions behind a word of wide use', { ask: 'GET /auth/v1/oauth2-callback/settings' }, '/auth/v1/oauth2-callback/settings'],
  ])('%s', (_what, sent, kept) => {
    const found = importOf(sent);
    expect(found.written).toContain(kept);
    expect(found.secrets).toEqual([]);
  });

  it('nothing of a reply’s random keys', () => {
    const found = importOf({ ask: 'GET /a', reply: { sessions: { x9Kd83hhQ2: { ref: 'abc12345' } } } }, { ask: 'GET /b/abc12345' });
    expect(found.told).not.toContain('x9Kd83hhQ2');
  });

  it('an ordinary visit whole', () => {
    const found = importOf(
      { ask: 'GET /search?q=iphone+15+pro+max&sort=price-asc&cursor=eyJpZCI6MTJ9' }, { ask: 'GET /products/nike-air-max-90-white-2024?variant=43211234&ref=home_hero' }, { ask: 'GET /blog/2026/01/31/how-to-reset-your-password' },
      { ask: 'GET /verify/success' }, { ask: 'GET /auth/logout' }, { ask: 'GET /tokens/usage?from=2026-01-01&to=2026-01-31' }, { ask: 'GET /videos/dQw4w9WgXcQ?quality=1080p&t=1700000000000' },
      { ask: 'POST /orders', body: json({ items: [{ sku: 'AB-1234-XL', qty: 2 }], address: { city: 'Austin', state: 'TX', zip: '78701' }, coupon: 'SPRING25', note: 'Leave at the door, please' }) },
      { ask: 'POST /chat', body: json({ text: 'see you at 5pm! https://example.com/posts/812?ref=mail' }) },
      { ask: 'GET /x', headers: { accept: 'application/json, text/plain, */*', 'x-client-version': 'web/3.12.1 (build 8123)', 'x-timezone': 'Europe/Berlin' } },
    );
    expect(found.secrets).toEqual([]);
  });

  it('names of operations that can be read', () => {
    expect(importOf({ ask: 'GET /reset-password/7hF93kd02LmQx1/form' }, { ask: 'POST /password/reset' }, { ask: 'GET /cart;jsessionid=ABC123/items' }).ops).toEqual([
      'get-reset-password-app-reset-password-id-form', 'post-password-reset', 'get-cart-jsessionid-app-jsessionid-items',
    ]);
  });
});

describe('a secret of any letters', () => {
  const name = fc.constantFrom('password', 'pw', 'passcode', 'userPass', 'new_pin', 'otp', 'smsCode', 'verification-code', 'cvv', 'client_secret', 'accessToken', 'apiKey', 'sid', 'sig', 'x-signature', 'code_verifier', 'nonce', 'securityAnswer', 'captcha', '_csrf', 'sessionId', 'backupCodes');
  const secret = fc.oneof(fc.stringMatching(/^z[a-z]{5,11}z$/), fc.stringMatching(/^z[A-Za-z0-9]{5,20}z$/), fc.stringMatching(/^[a-z]{3} z[a-z]{4}z \d{4}$/));
  const ways: Readonly<Record<string, (name: string, value: string) => Sent>> = {
    json: (key, value) => ({ ask: 'POST /x', body: json({ user: 'bob', deep: [{ [key]: value }] }) }),
    list: (key, value) => ({ ask: 'POST /x', body: json({ [key]: [value] }) }),
    form: (key, value) => ({ ask: 'POST /x', body: form(['user', 'bob'], [key, value]) }),
    multipart: (key, value) => ({ ask: 'POST /x', body: multipart(['user', 'bob'], [key, value]) }),
    query: (key, value) => ({ ask: `GET /x?a=1&${key}=${encodeURIComponent(value)}` }),
    header: (key, value) => ({ ask: 'GET /x', headers: { [key]: value } }),
    graphql: (key, value) => ({ ask: 'POST /x', body: json({ query: `mutation { act(input: { user: "bob", ${key.replaceAll('-', '_')}: "${value}" }) { ok } }` }) }),
    'graphql by itself': (key, value) => ({ ask: 'POST /x', body: { mimeType: 'application/graphql', text: `{ act(${key.replaceAll('-', '_')}: "${value}") { ok } }` } }),
    'graphql in multipart': (key, value) => ({ ask: 'POST /x', body: multipart(['operations', JSON.stringify({ query: `mutation { act(${key.replaceAll('-', '_')}: "${value}") { ok } }` })]) }),
    'graphql in a query': (key, value) => ({ ask: `GET /x?query=${encodeURIComponent(`query { act(${key.replaceAll('-', '_')}: "${value}") { ok } }`)}` }),
    'json in a form': (key, value) => ({ ask: 'POST /x', body: form(['data', JSON.stringify({ deep: JSON.stringify({ [key]: value }) })]) }),
    'a pair in json': (key, value) => ({ ask: 'POST /x', body: json({ note: `see ${key}: ${value}` }) }),
    'an address in json': (key, value) => ({ ask: 'POST /x', body: json({ next: `/go?a=1&${key}=${encodeURIComponent(value)}` }) }),
    xml: (key, value) => ({ ask: 'POST /x', body: { mimeType: 'text/xml', text: `<a><user>bob</user><${key}>${value}</${key}></a>` } }),
    text: (key, value) => ({ ask: 'POST /x', body: text(`${key}=${value}`) }),
  };
  /** There a value is known by itself, and found in other places too. */
  const alone = new Set(['json', 'list', 'form', 'multipart', 'query', 'header', 'xml']);
  it.each(Object.entries(ways))('is not written: %s', (what, way) => {
    fc.assert(fc.property(name, secret, (key, value) => {
      const { told, secrets } = importOf(way(key, value), { ask: 'POST /note', body: json({ about: alone.has(what) ? value : 'Sunset' }) });
      expect(told).not.toContain(value);
      expect(told).not.toContain(encodeURIComponent(value));
      expect(secrets.length).toBeGreaterThan(0);
    }), { numRuns: 40 });
  });

  it('nor in prose under any field, nor behind a name in a path', () => {
    const key = fc.constantFrom('password', 'PIN', 'passcode', 'token', 'verification code');
    const link = fc.stringMatching(/^z[A-Za-z0-9]{10,24}\d[A-Z]$/);
    const place = fc.constantFrom('reset-password', 'token', 'verify', 'invite', 'password/reset', 'api/v1/otp', 'magic-link');
    fc.assert(fc.property(key, secret, link, place, (named, value, token, path) => {
      const { told } = importOf({ ask: 'POST /x', body: json({ message: `hello, my ${named} is ${value} now` }) }, { ask: `GET /${path}/${token}/open` });
      expect(told).not.toContain(value);
      expect(told.toLowerCase()).not.toContain(token.toLowerCase());
    }));
  });
});
