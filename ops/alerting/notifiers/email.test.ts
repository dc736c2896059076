import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { SMTPServer } from 'smtp-server';
import type { SMTPServerOptions } from 'smtp-server';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createTestHost } from '../../core/test-host.ts';
import type { TestHost } from '../../core/test-host.ts';
import { limitOf } from './comparison.ts';
import { exampleDelivery, noonMs, resolvedRest } from './fixture.ts';
import type { Outcome } from './outcome.ts';
import { sendEmail } from './email.ts';
import { integrationSettings } from './settings.ts';

interface Mail {
  readonly to: readonly string[];
  readonly raw: string;
  readonly secure: boolean;
  readonly user: unknown;
}

let host: TestHost;
const mails: Mail[] = [];
const closing: (() => Promise<void>)[] = [];
beforeEach(() => {
  host = createTestHost(noonMs);
  mails.length = 0;
});
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A real SMTP server on a free port. */
async function startSmtp(options: SMTPServerOptions = {}): Promise<number> {
  const server = new SMTPServer({
    authOptional: true,
    onData(stream, session, callback) {
      let raw = '';
      stream.on('data', (chunk: Buffer) => (raw += chunk.toString()));
      stream.on('end', () => {
        mails.push({ to: session.envelope.rcptTo.map(({ address }) => address), raw, secure: session.secure, user: session.user });
        callback();
      });
    },
    ...options,
  });
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => new Promise((resolve) => server.close(() => resolve())));
  return (server.server.address() as AddressInfo).port;
}

const send = (port: number, rest: object = {}, delivery = exampleDelivery()): Promise<Outcome> => {
  const settings = integrationSettings.parse({ kind: 'email', host: '127.0.0.1', port, from: 'SORA <sora@ops.example>', to: ['oncall@ops.example', 'team@ops.example'], tls: 'none', timeoutMs: 5_000, ...rest });
  if (settings.kind !== 'email') throw new Error('not e-mail');
  return sendEmail({ host, limitOf, writeLog: () => undefined }, delivery, settings);
};
const headerOf = (raw: string, name: string): string | undefined => new RegExp(`^${name}: (.*)$`, 'mi').exec(raw.replaceAll(/\r\n[ \t]+/g, ' '))?.[1]?.trim();

test('an alert arrives as text and HTML, its end in the same thread', async () => {
  const port = await startSmtp();
  expect(await send(port)).toEqual({ kind: 'sent' });
  expect(await send(port, {}, exampleDelivery(resolvedRest, { firstId: 'n-1', firstSentAtMs: noonMs, receipt: {} }))).toEqual({ kind: 'sent' });
  const [first, second] = mails.map(({ raw }) => raw);
  expect(mails[0]?.to).toEqual(['oncall@ops.example', 'team@ops.example']);
  expect(headerOf(first ?? '', 'Subject')).toBe('[FIRING critical] ApiLatencyHigh (api)');
  expect(headerOf(first ?? '', 'Message-ID')).toBe('<n-1@ops.example>');
  expect(headerOf(first ?? '', 'In-Reply-To')).toBeUndefined();
  expect(headerOf(first ?? '', 'Auto-Submitted')).toBe('auto-generated');
  expect(first).toMatch(/Content-Type: text\/plain[\s\S]*Measured: 1\.432 > 1\.2[\s\S]*Content-Type: text\/html[\s\S]*1\.432 &gt; 1\.2/);
  expect(headerOf(second ?? '', 'In-Reply-To')).toBe('<n-1@ops.example>');
  expect(headerOf(second ?? '', 'References')).toBe('<n-1@ops.example>');
});

test('text cannot add headers or markup', async () => {
  const port = await startSmtp();
  await send(port, {}, exampleDelivery({ commonLabels: { alertname: 'A\r\nBcc: victim@example.com' }, commonAnnotations: { summary: '<img src=x onerror=alert(1)>' } }));
  expect(mails[0]?.to).toHaveLength(2);
  expect(mails[0]?.raw).not.toMatch(/^Bcc/m);
  expect(mails[0]?.raw.split('text/html')[1]).not.toContain('<img');
});

test('STARTTLS where it is required, TLS from the first byte where it is implicit, and none where it is not trusted', async () => {
  const port = await startSmtp({ hideSTARTTLS: false });
  expect(await send(port, { tls: 'required', verifyCertificate: false })).toEqual({ kind: 'sent' });
  const implicit = await startSmtp({ secure: true });
  expect(await send(implicit, { tls: 'implicit', verifyCertificate: false })).toEqual({ kind: 'sent' });
  expect(mails.map(({ secure }) => secure)).toEqual([true, true]);
  expect(await send(port, { tls: 'required' })).toMatchObject({ kind: 'retry' });
  const plain = await startSmtp({ hideSTARTTLS: true, disabledCommands: ['STARTTLS'] });
  expect((await send(plain, { tls: 'required' })).kind).not.toBe('sent');
  expect(mails).toHaveLength(2);
});

test('wrong credentials are final, and the password stays out of the error', async () => {
  const port = await startSmtp({ authOptional: false, allowInsecureAuth: true, onAuth: ({ username, password }, _session, callback) => (password === 'right-password' ? callback(null, { user: username }) : callback(new Error(`no ${password}`))) });
  expect(await send(port, { username: 'sora', password: 'right-password' })).toEqual({ kind: 'sent' });
  expect(mails[0]?.user).toBe('sora');
  const refused = await send(port, { username: 'sora', password: 'wrong-password' });
  expect(refused.kind).toBe('refused');
  expect(JSON.stringify(refused)).not.toContain('wrong-password');
});

test.each([[550, 'refused'], [451, 'retry']])('an answer of %i is %s', async (responseCode, kind) => {
  const port = await startSmtp({ onMailFrom: (_address, _session, callback) => callback(Object.assign(new Error('no'), { responseCode })) });
  expect(await send(port)).toMatchObject({ kind });
});

test('a server that is silent, one that hangs up and one that is not there are tried again', async () => {
  let arrived: () => void = () => undefined;
  const hasArrived = new Promise<void>((resolve) => (arrived = resolve));
  const sockets = new Set<{ destroy(): void }>();
  const listen = async (server: Server): Promise<number> => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => new Promise((resolve) => {
      for (const socket of sockets) socket.destroy();
      server.close(() => resolve());
    }));
    return (server.address() as AddressInfo).port;
  };
  const silent = await listen(createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    arrived();
  }));
  const late = send(silent);
  await hasArrived;
  await host.advance(5_000);
  expect(await late).toEqual({ kind: 'retry', error: 'email: no end within 5000 ms' });
  const rude = await listen(createServer((socket) => socket.destroy()));
  expect(await send(rude)).toMatchObject({ kind: 'retry' });
  expect(await send(1)).toMatchObject({ kind: 'retry' });
});
