import { basename, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { invalidConfig, messageOf } from '../../ops/core/error.ts';
import type { Host } from '../../ops/core/host.ts';
import { nearestName } from '../capacity/take-flags.ts';
import { suiteSchema } from './suite-schema.ts';
import type { Suite } from './suite-schema.ts';

const folder = fileURLToPath(new URL('.', import.meta.url));
/** A suite is a page of data; a larger file is something else. */
const sizeMaxBytes = 1_000_000;

/** Names of the suites that come with the harness, in order. */
export function suiteNames(host: Host): string[] {
  return host.files.list(folder).filter((file) => file.endsWith('.json')).map((file) => basename(file, '.json')).toSorted();
}

/**
 * Reads a suite by name, or from a file such as ./my-suite.json.
 * @throws SoraError `invalid_config` naming all that is wrong in it
 */
export function loadSuite(host: Host, name: string): Suite {
  const isPath = /[/\\]|\.json$/.test(name);
  const path = isPath ? resolve(host.process.cwd(), name) : resolve(folder, `${name}.json`);
  if (!host.files.exists(path)) {
    const known = suiteNames(host);
    if (isPath) throw invalidConfig(`there is no suite file ${path}`, `check the path, or name one of ${known.join(', ')}`);
    throw invalidConfig(`there is no suite "${name}"`, `did you mean ${nearestName(name, known)}? Suites: ${known.join(', ')}; a file is given as ./my-suite.json`);
  }
  if (host.files.sizeBytes(path) > sizeMaxBytes) throw invalidConfig(`${path} has more than ${sizeMaxBytes} bytes, which no suite has`, 'loadtests/suites holds examples');
  const checked = suiteSchema.safeParse(parse(path, host.files.readText(path)));
  if (checked.success) return checked.data;
  const problems = checked.error.issues.map((issue) => `${issue.path.join('.') || 'suite'}: ${issue.message}`);
  throw invalidConfig(`${path} is no suite: ${problems.join('; ')}`, 'loadtests/suites/suite-schema.ts lists what it may hold');
}

function parse(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalidConfig(`${path} is no JSON: ${messageOf(error)}`, 'loadtests/suites holds examples', error);
  }
}
