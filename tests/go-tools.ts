import { join } from 'node:path';
import { messageOf } from '../ops/core/error.ts';
import type { Host } from '../ops/core/host.ts';
import { findOnPath, findTool, requireTool } from '../ops/core/tools.ts';
import type { FoundTool, GoTool } from '../ops/core/tools.ts';

const root = join(import.meta.dirname, '..');
// The checkout's own, so that a tool is built once and not by every test.
const places = { root, home: join(root, '.sora') };

/**
 * Finds reference programs for tests, which the first time builds them; or why they cannot run here, in words that the
 * name of a skipped suite can carry.
 * @throws Error with the same words where `SORA_REQUIRE_TOOLS=1` says that they must be here, as in CI
 */
export async function findReferences<K extends string>(host: Host, tools: Readonly<Record<K, GoTool>>): Promise<Readonly<Record<K, FoundTool>> | string> {
  const found = await findAll(host, tools);
  if (typeof found === 'string' && host.process.env['SORA_REQUIRE_TOOLS'] === '1') throw new Error(`SORA_REQUIRE_TOOLS=1, but ${found}`);
  return found;
}

async function findAll<K extends string>(host: Host, tools: Readonly<Record<K, GoTool>>): Promise<Readonly<Record<K, FoundTool>> | string> {
  const found: Partial<Record<K, FoundTool>> = {};
  for (const [key, tool] of Object.entries(tools) as [K, GoTool][]) {
    const here = findTool(host, tool, places);
    if (here === undefined && findOnPath(host, 'go') === undefined) return `neither ${tool.name} ${tool.version} nor Go is on the PATH`;
    try {
      found[key] = here ?? (await requireTool(host, tool, places, (message) => host.stderr.write(`${message}\n`)));
    } catch (error) {
      return `${tool.name} is not on the PATH, and Go cannot build it: ${messageOf(error).slice(-200)}`;
    }
  }
  return found as Record<K, FoundTool>;
}
