import { describe, expect, it } from 'vitest';
import { requireOwn } from './own-target.ts';

describe('requireOwn', () => {
  it.each(['http://127.0.0.1:3000', 'https://127.8.9.1', 'http://localhost:80', 'http://[::1]:3000'])('takes this machine: %s', (address) => {
    expect(requireOwn('SORA_TARGET', `${address}/`, '')).toBe(address);
  });

  it('takes what is listed, and nothing that only looks like it', () => {
    const staging = 'gateway.staging.svc, 10.1.2.3,[2001:db8::7]';
    for (const host of ['gateway.staging.svc', 'GATEWAY.staging.svc', '10.1.2.3', '[2001:db8::7]']) expect(requireOwn('SORA_TARGET', `http://${host}:8080`, staging)).toBe(`http://${host}:8080`);
    for (const host of ['staging.svc', 'x.gateway.staging.svc', '10.1.2.33', '2130706433', '127.1', 'localhost.example.com']) {
      expect(() => requireOwn('SORA_TARGET', `http://${host}`, staging)).toThrow(`SORA_TARGET names ${host}, which is not this machine; if it is yours to load, list it: SORA_STAGING=${host}`);
    }
  });

  it.each(['10.0.0.0/', '10.0.0.0/8', 'http://staging.test', 'staging.test:80', '10.1.2.3:80', '*.staging.test', 'a b'])('refuses the entry "%s", and says how to write it', (entry) => {
    expect(() => requireOwn('SORA_TARGET', 'http://127.0.0.1', `10.1.2.3,,${entry}`)).toThrow(`SORA_STAGING lists "${entry}", which is no host: write names and addresses alone`);
  });

  it.each(['http://127.0.0.1@example.com', 'ftp://127.0.0.1', '127.0.0.1', 'http://localhost:3000/path', 'http://localhost#@example.com', ''])('refuses what is no address: %s', (address) => {
    expect(() => requireOwn('SORA_TARGET', address, 'example.com')).toThrow('is no http or https address');
  });
});
