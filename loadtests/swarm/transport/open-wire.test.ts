import type { LookupAddress } from 'node:dns';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkAddress, pinTarget } from '../guard.ts';
import { allowedOf, guardedLookup } from './open-wire.ts';

const name = 'api.staging.example';
const pinned = await pinTarget(`http://${name}`, { staging: [name], confirmed: [] }, () => Promise.resolve(['10.1.2.3', '10.1.2.4']));
const guard = { refuseAddress: (address: string) => checkAddress(address, name, pinned) };
const answers = (...addresses: string[]): LookupAddress[] => addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));

/** Looks up a name of these addresses as sockets do. */
const lookUp = (found: LookupAddress[] | Error, all = true): Promise<unknown> =>
  new Promise((resolve) => {
    const look = guardedLookup(guard, (_name, _options, callback) => (found instanceof Error ? callback(found, []) : callback(null, found)));
    look(name, { all }, (error, address, family) => resolve(error ?? (all ? address : [address, family])));
  });

describe('a look-up behind the guard', () => {
  it('answers what the name had at the start, also where addresses have come besides', async () => {
    expect(await lookUp(answers('10.1.2.9', '10.1.2.4', '2001:db8::1', '10.1.2.3'))).toEqual(answers('10.1.2.4', '10.1.2.3'));
    expect(await lookUp(answers('10.1.2.9', '10.1.2.4'), false)).toEqual(['10.1.2.4', 4]);
  });

  it('refuses the name where none of its addresses is allowed', async () => {
    const refused = { kind: 'refused_target', message: `${name} resolves to 10.1.2.9, which is not this machine` };
    expect(await lookUp(answers('10.1.2.9', '8.8.8.8'))).toMatchObject(refused);
    expect(await lookUp(answers('10.1.2.9'), false)).toMatchObject(refused);
  });

  it('tells why a name has no address', async () => {
    expect(await lookUp(new Error('ENOTFOUND'))).toMatchObject({ message: 'ENOTFOUND' });
  });

  it('never lets an address pass that the guard refuses', () => {
    fc.assert(fc.property(fc.array(fc.constantFrom('10.1.2.3', '10.1.2.4', '10.1.2.5', '127.0.0.1', '::1', '8.8.8.8')), (addresses) => {
      const fine = answers(...addresses.filter((address) => guard.refuseAddress(address) === undefined));
      if (addresses.length > 0 && fine.length === 0) expect(() => allowedOf(answers(...addresses), guard)).toThrow('not this machine');
      else expect(allowedOf(answers(...addresses), guard)).toEqual(fine);
    }));
  });
});
