import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readConfig } from './config.ts';
import { createNodeHost } from './node-host.ts';

const host = createNodeHost();
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sora-config-'));
});
afterEach(() => rmSync(folder, { recursive: true }));
const write = (text: string): void => writeFileSync(join(folder, 'sora.config.ts'), text);

describe('readConfig', () => {
  it('has defaults where there is no file', async () => {
    expect(await readConfig(host, folder)).toMatchObject({ load: { staging: [] }, alerts: { scrapeIntervalMs: 5_000, evaluationIntervalMs: 15_000 } });
  });

  it('reads what the file exports', async () => {
    write(`export default { load: { staging: ['staging.example.test', '10.1.0.0/16'] as string[] } };`);
    expect((await readConfig(host, folder)).load.staging).toEqual(['staging.example.test', '10.1.0.0/16']);
  });

  it('reads the staging list once: names in small letters, and no slip that would open it', async () => {
    write(`export default { load: { staging: ['Staging.Example.test', '[2001:db8::7]'] } };`);
    expect((await readConfig(host, folder)).load.staging).toEqual(['staging.example.test', '2001:db8::7']);
  });

  it.each(['10.0.0.0/', '10.0.0.0/0', 'http://staging.test', 'staging.test:80'])('refuses the staging entry %s, and says how to write it', async (entry) => {
    write(`export default { load: { staging: ['10.1.0.0/16', ${JSON.stringify(entry)}] } };`);
    await expect(readConfig(host, folder)).rejects.toMatchObject({ exitCode: 104, message: expect.stringContaining(`load.staging.1: staging entry "${entry}" is `) as string });
    await expect(readConfig(host, folder)).rejects.toThrow('10.1.0.0/16');
  });

  it('reads a dated price list, and refuses one without its day', async () => {
    write(`export default { prices: { cpuSecond: 0.00001, gbSecond: 0.000001, egressGb: 0.09, currency: 'EUR', asOf: '2026-01-31' } };`);
    expect((await readConfig(host, folder)).prices).toEqual({ cpuSecond: 0.00001, gbSecond: 0.000001, egressGb: 0.09, currency: 'EUR', asOf: '2026-01-31' });
  });

  it('names what a price list lacks', async () => {
    write(`export default { prices: { cpuSecond: -1, gbSecond: 0, egressGb: 0, currency: 'euro' } };`);
    await expect(readConfig(host, folder)).rejects.toMatchObject({ exitCode: 104, message: expect.stringMatching(/cpuSecond.*currency.*asOf/s) as string });
  });

  it('names every wrong member at once', async () => {
    write(`export default { load: { staging: [''], users: 5 } };`);
    await expect(readConfig(host, folder)).rejects.toMatchObject({ exitCode: 104, message: expect.stringMatching(/staging.*users/s) as string });
  });

  it('says which file does not load', async () => {
    write('export default {');
    await expect(readConfig(host, folder)).rejects.toMatchObject({ exitCode: 104, message: expect.stringContaining('sora.config.ts does not load') as string });
  });
});
