import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readStagingEntry, stagingText } from './staging.ts';

const read = (text: string): string => stagingText(readStagingEntry(text));

describe('readStagingEntry', () => {
  it.each([
    ['Staging.Example.test', 'staging.example.test'],
    ['buildbox', 'buildbox'],
    ['bücher.test', 'xn--bcher-kva.test'],
    ['my_host.test.', 'my_host.test.'],
    ['10.1.2.3', '10.1.2.3'],
    ['[2001:db8::7]', '2001:db8::7'],
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['10.1.2.3/32', '10.1.2.3/32'],
    ['2001:db8::/32', '2001:db8::/32'],
    ['2001::/16', '2001::/16'],
  ])('reads %s', (text, expected) => expect(read(text)).toBe(expected));

  it.each([
    '', ' ', 'a b', ' staging.test', 'staging.test\n', 'http://staging.test', 'staging.test:80', 'staging.test/', 'staging.test/8', '*.staging.test', '-a.test', 'a..test',
    'user@staging.test', '10.1', '10.0.0.300', '1.2.3.4.5', '0x7f.1', '10.0.0.0/8/8', 'fe80::1%eth0', 'fe80::%eth0/64', `${'a'.repeat(64)}.test`, 'a.'.repeat(200), '10.0.0.0 /8',
  ])('refuses %j, and says how to write it', (text) => {
    expect(() => read(text)).toThrow(expect.objectContaining({ exitCode: 104, message: expect.stringMatching(/^staging entry ".* is no host name, address or range: write it as /s) as string }) as Error);
  });

  it.each(['10.0.0.0/', '10.0.0.0/ ', '10.0.0.0/0', '0.0.0.0/0', '10.0.0.0/7', '10.0.0.0/33', '10.0.0.0/99', '10.0.0.0/abc', '10.0.0.0/-8', '10.0.0.0/8.5', '10.0.0.0/08', '10.0.0.0/1e1', '::/0', '2001:db8::/15', '2001:db8::/129', '[::]/'])(
    'refuses the range %j', (text) => {
      expect(() => read(text)).toThrow(expect.objectContaining({ exitCode: 104, message: expect.stringMatching(/range outside of \/(?:8 to \/32|16 to \/128): write .* such as /) as string }) as Error);
    },
  );

  it.each(['::/16', '::/80', '::ffff:0:0/96', '::ffff:10.0.0.0/104'])('refuses %s, which would hold addresses of IPv4', (text) => {
    expect(() => read(text)).toThrow(`staging entry "${text}" holds addresses of IPv4`);
  });

  it('never ends otherwise, and reads what it wrote', () => {
    const some = fc.oneof(fc.string(), fc.domain(), fc.ipV4(), fc.ipV6(), fc.tuple(fc.oneof(fc.ipV4(), fc.ipV6()), fc.oneof(fc.nat(130).map(String), fc.string())).map((parts) => parts.join('/')));
    fc.assert(fc.property(some, (text) => {
      let entry: string;
      try {
        entry = read(text);
      } catch (error) {
        expect(error).toMatchObject({ code: 'invalid_config' });
        return;
      }
      expect(read(entry)).toBe(entry);
    }));
  });
});
