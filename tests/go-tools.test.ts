import { expect, test } from 'vitest';
import { createNodeHost } from '../ops/core/node-host.ts';
import { goTools } from '../ops/core/tools.ts';
import { findReferences } from './go-tools.ts';

const real = createNodeHost();
const unheardOf = { promtool: { ...goTools.promtool, version: 'v99.0.0' } };
const hostWith = (env: Readonly<Record<string, string>>) => ({ ...real, process: { ...real.process, env: { PATH: '/nowhere', ...env } } });

test('a tool that is not there is a reason to skip, and a failure where it is required', async () => {
  const reason = 'neither promtool v99.0.0 nor Go is on the PATH';
  expect(await findReferences(hostWith({}), unheardOf)).toBe(reason);
  await expect(findReferences(hostWith({ SORA_REQUIRE_TOOLS: '1' }), unheardOf)).rejects.toThrow(`SORA_REQUIRE_TOOLS=1, but ${reason}`);
});
