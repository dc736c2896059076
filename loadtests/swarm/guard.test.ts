import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkAddress, localOnly, looksLikeProduction, parseTarget, pinTarget } from './guard.ts';

const allowed = (address: string, hostname = 'host', staging: string[] = []): boolean =>
  checkAddress(address, hostname, { staging, confirmed: [] }) === undefined;

describe('checkAddress', () => {
  it('allows this machine in every notation', () => {
    for (const address of ['127.0.0.1', '127.255.3.9', '::1', '[::1]', '::ffff:127.0.0.1']) expect(allowed(address)).toBe(true);
  });

  it('refuses every other address', () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        expect(allowed(address)).toBe(address.startsWith('127.'));
      }),
    );
    for (const address of ['0.0.0.0', '10.0.0.1', '2001:db8::1', '::ffff:8.8.8.8', 'localhost']) expect(allowed(address)).toBe(false);
  });

  it('allows what is listed by name, address or range, judged by the address it resolved to', () => {
    expect(allowed('10.1.2.3', 'api.staging.example', ['api.staging.example'])).toBe(true);
    expect(allowed('10.1.2.3', 'other.example', ['api.staging.example'])).toBe(false);
    expect(allowed('10.1.2.3', 'x', ['10.1.0.0/16'])).toBe(true);
    expect(allowed('10.2.2.3', 'x', ['10.1.0.0/16'])).toBe(false);
    expect(allowed('2001:db8::7', 'x', ['2001:db8::/32'])).toBe(true);
    expect(checkAddress('8.8.8.8', 'api.test', localOnly)).toContain('8.8.8.8');
    expect(allowed('10.1.2.3', 'api.staging.example', ['API.Staging.Example'])).toBe(true);
  });

  it.each(['10.0.0.0/', '10.0.0.0/ ', '0.0.0.0/0', '10.0.0.0/99', '10.0.0.0/abc', '::/0'])('opens for no address because of the slip %j', (slip) => {
    for (const address of ['93.184.216.34', '10.0.0.1', '2606:2800::1']) expect(() => checkAddress(address, 'x', { staging: [slip], confirmed: [] })).toThrow(slip);
    expect(() => parseTarget('http://93.184.216.34', { staging: [slip], confirmed: [] })).toThrow(expect.objectContaining({ exitCode: 104 }) as Error);
  });
});

describe('looksLikeProduction', () => {
  it.each(['www.example.com', 'api.example.com', 'prod-eu.internal', 'example.com', 'live.test', 'api-prod'])('%s does', (host) => {
    expect(looksLikeProduction(host)).toBe(true);
  });
  it.each(['localhost', '127.0.0.1', '[::1]', 'api.staging.example.com', 'dev-api.example.com', 'buildbox'])('%s does not', (host) => {
    expect(looksLikeProduction(host)).toBe(false);
  });
});

describe('parseTarget', () => {
  it.each([
    ['nonsense', 'no address'],
    ['ftp://127.0.0.1', 'ftp'],
    ['http://127.0.0.1:80/path', 'more than a host'],
    ['http://:pw@127.0.0.1', 'target "http://127.0.0.1" has more than a host'],
    ['http://127.0.0.1#part', 'more than a host'],
    ['http://api.example.com', 'looks like production'],
    ['http://10.0.0.1', '10.0.0.1'],
    ['http://0.0.0.0:4800', 'is where a server listens'],
    ['http://[::]:4800', 'is where a server listens'],
  ])('refuses %s', (target, message) => {
    expect(() => parseTarget(target)).toThrow(message);
  });

  it('takes a local target, and a confirmed one', () => {
    expect(parseTarget('http://127.0.0.1:3000').port).toBe('3000');
    expect(parseTarget('http://[::1]:3000').hostname).toBe('[::1]');
    const policy = { staging: ['api.example.com'], confirmed: ['api.example.com'] };
    expect(parseTarget('http://api.example.com', policy).hostname).toBe('api.example.com');
    expect(parseTarget('http://API.example.com', { staging: [], confirmed: ['Api.Example.com'] }).hostname).toBe('api.example.com');
  });
});

describe('pinTarget', () => {
  const policy = { staging: ['api.staging.example', '10.9.0.0/16'], confirmed: [] };

  it('holds a name to the addresses it had at the start', async () => {
    const pinned = await pinTarget('http://api.staging.example:81', policy, () => Promise.resolve(['10.1.2.3', '2001:db8::7']));
    const verdict = (address: string): boolean => checkAddress(address, 'api.staging.example', pinned) === undefined;
    expect([verdict('10.1.2.3'), verdict('2001:db8::7'), verdict('10.9.1.1'), verdict('127.0.0.1')]).toEqual([true, true, true, true]);
    expect([verdict('10.1.2.4'), verdict('8.8.8.8')]).toEqual([false, false]);
  });

  it('leaves what is allowed by address, and says when a name has none', async () => {
    const never = (): Promise<never> => Promise.reject(new Error('ENOTFOUND'));
    expect(await pinTarget('http://10.9.1.1', policy, never)).toBe(policy);
    expect(await pinTarget('http://localhost', localOnly, () => Promise.resolve(['127.0.0.1', '::1']))).toBe(localOnly);
    expect(await pinTarget('http://db.test', policy, () => Promise.resolve(['10.9.3.4']))).toBe(policy);
    await expect(pinTarget('http://api.staging.example', policy, never)).rejects.toThrow('"api.staging.example" has no address: ENOTFOUND');
    await expect(pinTarget('http://qa.internal', localOnly, never)).rejects.toThrow('"qa.internal" has no address: ENOTFOUND');
  });

  it('refuses a name that means another machine, also in part, before anything is sent', async () => {
    await expect(pinTarget('http://qa.internal', localOnly, () => Promise.resolve(['10.1.2.3']))).rejects.toThrow('qa.internal resolves to 10.1.2.3, which is not this machine');
    await expect(pinTarget('http://qa.internal', localOnly, () => Promise.resolve(['127.0.0.1', '10.1.2.3']))).rejects.toThrow('10.1.2.3, which is not this machine');
  });
});
