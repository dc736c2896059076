import * as fc from 'fast-check';
import { isIPv4 } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createNodeHost } from '../../../ops/core/node-host.ts';
import { checkAddress, localOnly } from '../guard.ts';
import { transportErrorOf } from '../transport-error.ts';
import { limitUsers, parseDescriptorLimit, readMachineLimits, reserveOf } from './limits.ts';
import { type LinkQuestion, planLinks } from './link-plan.ts';
import { portsPerAddress, SourceAddresses } from './source-addresses.ts';

const machine = { descriptors: 20_000, memoryBytes: 20e9 };
const question: LinkQuestion = {
  target: 'http://127.0.0.1:3000', policy: localOnly, users: 1_000, usersTotal: 1_000, sockets: 64, transport: 'per-user',
  timeouts: {}, tls: undefined, machine, platform: 'linux', hasBun: () => true,
};
const plan = (changes: Partial<LinkQuestion>): ReturnType<typeof planLinks> => planLinks({ ...question, ...changes, usersTotal: changes.users ?? 1_000 });

describe('SourceAddresses', () => {
  it('goes through addresses and ranges in turn', () => {
    const some = new SourceAddresses(['10.0.0.7', '192.168.1.0/30', '::1', '10.0.0.9/32']);
    expect(some.count).toBe(5);
    expect(Array.from({ length: 6 }, (_, n) => some.at(n))).toEqual(['10.0.0.7', '192.168.1.1', '192.168.1.2', '::1', '10.0.0.9', '10.0.0.7']);
    expect(new SourceAddresses(['127.0.0.0/8']).at(300)).toBe('127.0.1.45');
    for (const wrong of ['10.0.0', '10.0.0.0/33', '10.0.0.0/0', '::/64', 'host', '10.0.0.1/x', '']) {
      expect(() => new SourceAddresses([wrong])).toThrow(`"${wrong}"`);
    }
  });

  it('stays on this machine within 127.0.0.0/8, and never repeats within its count', () => {
    const loopback = new SourceAddresses(['127.0.0.0/8']);
    fc.assert(fc.property(fc.integer({ min: 0, max: loopback.count - 1 }), fc.integer({ min: 0, max: loopback.count - 1 }), (a, b) => {
      expect(isIPv4(loopback.at(a))).toBe(true);
      expect(checkAddress(loopback.at(a), 'x', localOnly)).toBeUndefined();
      expect(loopback.at(a) === loopback.at(b)).toBe(a === b);
    }));
  });
});

describe('limits', () => {
  it('reads the limit of open files', () => {
    const text = 'Limit  Soft Limit  Hard Limit  Units\nMax open files            1024                 20000                files     \n';
    expect(parseDescriptorLimit(text)).toBe(20_000);
    expect(parseDescriptorLimit(text.replace('20000', 'unlimited'))).toBe(Number.POSITIVE_INFINITY);
    expect(parseDescriptorLimit('nothing')).toBeUndefined();
    const here = readMachineLimits(createNodeHost());
    expect(here.descriptors).toBeGreaterThanOrEqual(256);
    expect(here.memoryBytes).toBeGreaterThan(1e6);
  });

  it('names what binds: processes, memory or ports', () => {
    expect(limitUsers({ descriptors: 20_000, memoryBytes: 64e9 }, 'node', 1_000)).toMatchObject({ users: 64 * 19_000, processes: 64, bound: 'processes' });
    expect(limitUsers({ descriptors: 20_000, memoryBytes: 64e9 }, 'node', 1)).toMatchObject({ users: 28_000, bound: 'ports' });
    const tight = limitUsers({ descriptors: 1_000_000, memoryBytes: 1e9 }, 'node', 1_000);
    expect(tight).toMatchObject({ bound: 'memory', processes: 1, users: Math.floor((1e9 - 60e6) / 9_600) });
    expect(tight.text).toContain('1.0 GB of memory free');
  });

  it('never allows more than descriptors, memory and ports together carry, and Bun no less than Node', () => {
    fc.assert(fc.property(fc.integer({ min: 256, max: 2_000_000 }), fc.integer({ min: 1e6, max: 1e12 }), fc.integer({ min: 1, max: 1_000 }), (descriptors, memoryBytes, addresses) => {
      const node = limitUsers({ descriptors, memoryBytes }, 'node', addresses);
      expect(node.users).toBeGreaterThanOrEqual(1);
      expect(node.users).toBeLessThanOrEqual(addresses * portsPerAddress);
      expect(node.users).toBeLessThanOrEqual(node.processes * (descriptors - reserveOf(descriptors)));
      expect(limitUsers({ descriptors, memoryBytes }, 'bun', addresses).users).toBeGreaterThanOrEqual(node.users);
    }));
  });
});

describe('planLinks', () => {
  it('leaves everything to the system while it is enough', () => {
    expect(plan({ transport: 'pooled' })).toMatchObject({ kind: 'pooled', runtime: 'node', sourceCount: 0, workersLeast: 1 });
    expect(plan({ users: 28_000 })).toMatchObject({ kind: 'per-user', runtime: 'node', sourceCount: 0, workersLeast: 2 });
  });

  it('spreads users over processes and addresses, and takes Bun beyond 50,000', () => {
    expect(plan({ users: 50_000 })).toMatchObject({ runtime: 'node', sourceAddresses: ['127.0.0.0/8'], sourceCount: 4, workersLeast: 3 });
    expect(plan({ users: 1_000_000 })).toMatchObject({ runtime: 'bun', sourceCount: 72, workersLeast: 53 });
    expect(plan({ sourceAddresses: ['10.0.0.1', '10.0.0.2'] })).toMatchObject({ sourceCount: 2 });
    expect(plan({ users: 10, sourceAddresses: ['127.0.0.0/8'] })).toMatchObject({ sourceCount: 10 });
    expect(plan({ users: 60_000, hasBun: () => false })).toMatchObject({ runtime: 'node' });
    expect(plan({ users: 60_000, target: 'https://127.0.0.1:1' })).toMatchObject({ runtime: 'node' });
    fc.assert(fc.property(fc.integer({ min: 1, max: 1_000_000 }), (users) => {
      const { workersLeast, sourceCount } = plan({ users });
      expect(Math.ceil(users / workersLeast)).toBeLessThanOrEqual(19_000);
      expect(Math.ceil(users / Math.max(1, sourceCount))).toBeLessThanOrEqual(portsPerAddress);
    }));
  });

  it('counts pooled connections and WebSockets among the open files of a process', () => {
    const few = { ...machine, descriptors: 1_024 };
    expect(plan({ transport: 'pooled', sockets: 2_000, machine: few })).toMatchObject({ workersLeast: 3, sourceCount: 0 });
    expect(plan({ transport: 'pooled', users: 100_000, extraSocketsPerUser: 1 })).toMatchObject({ runtime: 'node', workersLeast: 6, sourceAddresses: ['127.0.0.0/8'], sourceCount: 8 });
    expect(plan({ transport: 'pooled', users: 100_000, extraSocketsPerUser: 0.1 })).toMatchObject({ workersLeast: 1, sourceCount: 0 });
    expect(plan({ users: 28_000, extraSocketsPerUser: 1 })).toMatchObject({ runtime: 'bun', workersLeast: 3, sourceCount: 4 });
    const [some, extra] = [fc.integer({ min: 1, max: 200_000 }), fc.constantFrom(0, 0.25, 1, 3)];
    fc.assert(fc.property(some, extra, fc.integer({ min: 1, max: 5_000 }), fc.constantFrom('pooled' as const, 'per-user' as const), (users, extraSocketsPerUser, sockets, transport) => {
      const { workersLeast } = plan({ users, extraSocketsPerUser, sockets, transport, sourceAddresses: ['127.0.0.0/8'] });
      const [own, shared] = transport === 'pooled' ? [extraSocketsPerUser, sockets] : [1 + extraSocketsPerUser, 0];
      expect(workersLeast).toBeLessThanOrEqual(users);
      expect(Math.ceil(users / workersLeast) * own + Math.ceil(shared / workersLeast)).toBeLessThanOrEqual(19_000);
    }));
  });

  it('says how many users with WebSockets the machine allows, and which pool it does not hold', () => {
    const small = { descriptors: 1_024, memoryBytes: 20e9 };
    const addresses = ['127.0.0.0/8'];
    expect(() => plan({ transport: 'pooled', users: 60_000, extraSocketsPerUser: 1, machine: small, sourceAddresses: addresses })).toThrow(
      '60,000 users are more than this machine allows: 58,880 users with 1 socket each beside 64 pooled connections: 64 processes of 921 connections',
    );
    expect(() => plan({ users: 30_000, extraSocketsPerUser: 1, machine: small, sourceAddresses: addresses })).toThrow('29,440 users with 2 sockets each');
    expect(() => plan({ transport: 'pooled', sockets: 20_000, machine: { ...small, descriptors: 256 } })).toThrow(
      '20,000 connections are more than 64 processes hold, each 230 (256 open files, 26 kept back)',
    );
    expect(transportErrorOf(Object.assign(new Error('connect EMFILE 127.0.0.1:80'), { code: 'EMFILE' }))).toMatchObject({ kind: 'EMFILE', message: expect.stringContaining('extraSocketsPerUser') as string });
  });

  it('says what is missing: ports, memory', () => {
    expect(() => plan({ users: 30_000, platform: 'darwin' })).toThrow('30,000 connections need 2 source addresses');
    expect(() => plan({ users: 30_000, target: 'http://[::1]:1' })).toThrow('none is given');
    expect(() => plan({ users: 60_000, sourceAddresses: ['10.0.0.1', '10.0.0.2'] })).toThrow('there are 2');
    expect(() => plan({ users: 60_000, machine: { ...machine, memoryBytes: 300e6 } })).toThrow('60,000 users are more than this machine allows');
  });
});
