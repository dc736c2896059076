import { describe, expect, it } from 'vitest';
import type { SoraError } from '../../ops/core/error.ts';
import { createTestHost } from '../../ops/core/test-host.ts';
import { helpText } from './help.ts';
import { ConfigErrors } from './config-errors.ts';
import { readRunOptions } from './options.ts';
import { prepareRun } from './prepare.ts';

const read = (...args: string[]): { overrides: ReturnType<typeof readRunOptions>['overrides']; errors: SoraError[] } => {
  const errors: SoraError[] = [];
  return { overrides: readRunOptions(['hello', ...args], errors).overrides, errors };
};

describe('flags about connections', () => {
  it('are read into what a run changes of its scenario', () => {
    const { overrides, errors } = read(
      '--transport', 'per-user', '--source-addresses', '10.0.0.1, 127.0.0.0/8', '--tls-ca', 'ca.pem', '--tls-cert=c.pem', '--tls-key=k.pem', '--tls-servername', 'a.test', '--tls-insecure',
    );
    expect(errors).toEqual([]);
    expect(overrides).toMatchObject({
      transport: 'per-user', sourceAddresses: ['10.0.0.1', '127.0.0.0/8'],
      tls: { ca: 'ca.pem', cert: 'c.pem', key: 'k.pem', servername: 'a.test', rejectUnauthorized: false },
    });
  });

  it('keep the scenario’s where they are not given', () => {
    expect(read().overrides).toMatchObject({ transport: undefined, sourceAddresses: undefined, tls: undefined });
  });

  it.each([['--transport', 'udp', 'pooled or per-user'], ['--source-addresses', '10.0.0', '127.0.0.0/8'], ['--source-addresses', ',', '127.0.0.0/8']])('refuse %s %s', (flag, value, hint) => {
    expect(read(flag, value).errors).toMatchObject([{ exitCode: 104, message: expect.stringContaining(value), hint: expect.stringContaining(hint) }]);
  });

  it('are judged against the machine before anything starts, together with all else', async () => {
    const refused = prepareRun(createTestHost(), ['launch-mix', '--transport', 'per-user', '--users', '9000000', '--tls-cert', 'c.pem', '--think', '0s']);
    const error = await refused.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConfigErrors);
    expect((error as ConfigErrors).all.map(({ message }) => message)).toEqual([expect.stringContaining('--think'), expect.stringContaining('there is no file')]);
    await expect(prepareRun(createTestHost(), ['launch-mix', '--transport', 'per-user', '--users', '9000000'])).rejects.toMatchObject({
      exitCode: 104,
      message: expect.stringContaining('9,000,000 users are more than this machine allows'),
    });
  });

  it('are told by --help', () => {
    for (const flag of ['--transport', '--source-addresses', '--tls-ca', '--tls-insecure']) expect(helpText('run')).toContain(flag);
  });
});
