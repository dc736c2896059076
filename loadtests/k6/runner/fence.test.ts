import { BlockList, isIPv6 } from 'node:net';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { localOnly } from '../../swarm/guard.ts';
import { fenceTarget, rangesWithout } from './fence.ts';

const typeOf = (address: string): 'ipv4' | 'ipv6' => (isIPv6(address) ? 'ipv6' : 'ipv4');

/** As Go reads a list of ranges: a range speaks of its own family only. */
function isIn(ranges: readonly string[], address: string): boolean {
  const list = new BlockList();
  for (const range of ranges) {
    const [from = '', bits] = range.split('/');
    if (typeOf(from) === typeOf(address)) list.addSubnet(from, Number(bits), typeOf(from));
  }
  return list.check(address, typeOf(address));
}

const v4 = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255)).map((parts) => parts.join('.'));
// Of 2001:db8::/32, so that none stands for an IPv4 address.
const v6 = fc.array(fc.nat(0xffff), { minLength: 6, maxLength: 6 }).map((parts) => ['2001', 'db8', ...parts.map((part) => part.toString(16))].join(':'));

describe('rangesWithout', () => {
  it('holds every address but the one', () => {
    const address = fc.oneof(v4, v6);
    fc.assert(
      fc.property(address, address, (one, other) => {
        expect(isIn(rangesWithout(one), one)).toBe(false);
        expect(isIn(rangesWithout(one), other)).toBe(one !== other);
      }),
    );
    expect(isIn(rangesWithout('2001:db8::1'), '2001:db8:0:0:0:0:0:1')).toBe(false);
  });

  it('is 32 ranges of the same family and all of the other', () => {
    const ranges = rangesWithout('127.0.0.1');
    expect(ranges).toHaveLength(33);
    expect(ranges.slice(0, 2)).toEqual(['128.0.0.0/1', '0.0.0.0/2']);
    expect(ranges.slice(-2)).toEqual(['127.0.0.0/32', '::/0']);
    expect(rangesWithout('::1')).toHaveLength(129);
  });
});

describe('fenceTarget', () => {
  const staging = { staging: ['api.staging.example'], confirmed: [] };

  it('takes an address as it is', async () => {
    expect(await fenceTarget('http://127.0.0.1:3000', localOnly, () => Promise.reject(new Error('not asked')))).toMatchObject({ address: '127.0.0.1', hosts: {} });
  });

  it('pins a name to the address that was judged, IPv4 first', async () => {
    expect(await fenceTarget('http://localhost:3000', localOnly, () => Promise.resolve(['::1', '127.0.0.1']))).toMatchObject({ address: '127.0.0.1', hosts: { localhost: '127.0.0.1' } });
    expect(await fenceTarget('http://api.staging.example', staging, () => Promise.resolve(['10.1.2.3']))).toMatchObject({ hosts: { 'api.staging.example': '10.1.2.3' } });
  });

  it('refuses a name with any address that is not this machine or staging', async () => {
    const refused = (addresses: string[]) => fenceTarget('http://localhost:3000', localOnly, () => Promise.resolve(addresses));
    await expect(refused(['127.0.0.1', '203.0.113.9'])).rejects.toMatchObject({ exitCode: 104, message: 'localhost resolves to 203.0.113.9, which is not this machine' });
    await expect(refused([])).rejects.toMatchObject({ exitCode: 104 });
    await expect(fenceTarget('http://api.staging.example', staging, () => Promise.reject(new Error('ENOTFOUND')))).rejects.toThrow('has no address: ENOTFOUND');
    await expect(fenceTarget('http://10.0.0.1', localOnly)).rejects.toThrow('10.0.0.1');
  });
});
