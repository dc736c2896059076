// Not by name: Bun's has no registerHooks, and would not even link.
import * as modules from 'node:module';
import { pathToFileURL } from 'node:url';
import { messageOf } from '../../ops/core/error.ts';
import { scenarioError } from './journeys.ts';

/** As in package.json's `exports`: what scenarios import, and what imported ones call. */
const ownNames: Readonly<Record<string, string>> = { sora: '../index.ts', 'sora/import': '../import/kit.ts' };
let isResolved = false;

/** What we use of Bun. */
declare const Bun: { plugin(plugin: { name: string; setup(build: ModuleNames): void }): void } | undefined;
interface ModuleNames {
  module(name: string, load: () => Promise<{ exports: object; loader: 'object' }>): void;
}

/** Lets a scenario anywhere on disk write `import { feeder, scenario } from 'sora'`; inside the checkout package.json's `exports` does. */
function resolveOwnName(): void {
  if (isResolved) return;
  isResolved = true;
  const urls = new Map(Object.entries(ownNames).map(([name, file]) => [name, new URL(file, import.meta.url).href]));
  if (typeof Bun !== 'undefined') {
    for (const [name, url] of urls) Bun.plugin({ name, setup: (build) => build.module(name, async () => ({ exports: (await import(url)) as object, loader: 'object' })) });
  } else if (typeof modules.registerHooks === 'function') {
    modules.registerHooks({
      resolve: (specifier, context, next) => {
        const url = urls.get(specifier);
        return url === undefined ? next(specifier, context) : { url, shortCircuit: true };
      },
    });
  }
}

/** `:7`, where the loader's complaint begins with the file and a line. */
function lineOf(file: string, error: unknown): string {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const first = stack.slice(0, stack.indexOf('\n')).replace(/^file:\/\//, '');
  return first.startsWith(`${file}:`) && /^:\d+$/.test(first.slice(file.length)) ? first.slice(file.length) : '';
}

/**
 * Imports a scenario file, which exports its scenario as default.
 * @param file absolute path
 * @returns the default export, unchecked
 * @throws SoraError `scenario_error` (exit 107) when it does not load or has no default export
 */
export async function importScenario(file: string): Promise<unknown> {
  resolveOwnName();
  let module: { default?: unknown };
  try {
    module = (await import(pathToFileURL(file).href)) as { default?: unknown };
  } catch (error) {
    throw scenarioError(`${file}${lineOf(file, error)} does not load: ${messageOf(error)}`, error);
  }
  if (module.default === undefined) throw scenarioError(`${file} has no default export; end it with: export default scenario({ … })`);
  return module.default;
}
