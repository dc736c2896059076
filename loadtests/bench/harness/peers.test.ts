import { describe, expect, it } from 'vitest';
import { createTestHost } from '../../../ops/core/test-host.ts';
import { countAutocannon, countK6, countLocust, countOha, countWrk, findPeer, peers } from './peers.ts';

/** What each tool printed here, shortened. */
const wrk = 'Running 1s test @ http://127.0.0.1:33299/\n  1 threads and 50 connections\n  53016 requests in 1.01s, 3.84MB read\nRequests/sec:  52485.84\n';

describe('what wrk prints', () => {
  it('is read', () => expect(countWrk(wrk)).toEqual({ requests: 53_016, failed: 0 }));

  it('tells refusals and broken sockets, and late replies that are none', () => {
    expect(countWrk(`${wrk}  Non-2xx or 3xx responses: 22272\n`).failed).toBe(22_272);
    expect(countWrk(`${wrk}  Socket errors: connect 1, read 20, write 300, timeout 7\n  Non-2xx or 3xx responses: 4000\n`).failed).toBe(4_321);
  });

  it('is refused without a count', () => expect(() => countWrk('unable to connect to 127.0.0.1:1 Connection refused\n')).toThrow('wrk printed no count of requests: "unable to connect'));
});

describe('what oha prints', () => {
  const print = (statusCodeDistribution: object, errorDistribution: object): string => JSON.stringify({ statusCodeDistribution, errorDistribution });

  it('is read; what was under way at the end did not fail', () => {
    expect(countOha(print({ 200: 47_826 }, { 'aborted due to deadline': 50 }))).toEqual({ requests: 47_826, failed: 0 });
  });

  it('tells refusals and errors', () => {
    expect(countOha(print({ 200: 100, 401: 7 }, { 'aborted due to deadline': 4 }))).toEqual({ requests: 107, failed: 7 });
    expect(countOha(print({}, { 'Connection refused (os error 111)': 16_531, 'aborted due to deadline': 3 }))).toEqual({ requests: 16_531, failed: 16_531 });
  });
});

describe('what autocannon prints', () => {
  const print = (changes: object): string => JSON.stringify({ errors: 0, timeouts: 0, mismatches: 0, non2xx: 0, requests: { average: 28_840, total: 28_842, sent: 28_892 }, ...changes });

  it('is read, with refusals and errors', () => {
    expect(countAutocannon(print({}))).toEqual({ requests: 28_842, failed: 0 });
    expect(countAutocannon(print({ non2xx: 18_899 })).failed).toBe(18_899);
    expect(countAutocannon(print({ errors: 11_275, requests: { total: 0 } }))).toEqual({ requests: 11_275, failed: 11_275 });
  });
});

describe('what k6 and Locust print', () => {
  it('is read', () => {
    expect(countK6('time="…" level=warning msg="slow"\n{"requests":15006,"failed":3}\n')).toEqual({ requests: 15_006, failed: 3 });
    const rows = [{ name: '/', num_requests: 12_254, num_failures: 0 }, { name: '/page', num_requests: 4_209, num_failures: 9 }];
    expect(countLocust(JSON.stringify(rows))).toEqual({ requests: 16_463, failed: 9 });
  });

  it('is refused without counts', () => {
    expect(() => countK6('the script failed')).toThrow('k6 printed no summary: "the script failed"');
    expect(() => countLocust('')).toThrow();
  });
});

describe('a peer', () => {
  it('that is not installed says how to get it', () => {
    const real = createTestHost();
    const bare = { ...real, files: { ...real.files, exists: () => false, list: () => [] } };
    expect(peers.map(({ name }) => findPeer(bare, name))).toEqual(peers.map(({ name }) => ({ kind: 'missing', name, why: expect.stringContaining(`${name} is not installed; `) })));
    expect(() => findPeer(createTestHost(), 'ab')).toThrow('there is no peer ab; there are wrk, ');
  });
});
