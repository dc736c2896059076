import { relative, resolve, sep } from 'node:path';
import { parseArgs } from 'node:util';
import { parseDurationMs } from '../../ops/core/duration.ts';
import { invalidConfig, messageOf } from '../../ops/core/error.ts';
import type { Host } from '../../ops/core/host.ts';
import { importHar } from '../import/har-import.ts';
import { readHar } from '../import/har.ts';
import { kebabName } from '../import/names.ts';
import { importOpenApi } from '../import/openapi-import.ts';
import { renderReport } from '../import/outcome.ts';
import type { ImportReport } from '../import/outcome.ts';
import type { ScenarioPlan } from '../import/plan.ts';
import { writeScenario } from '../import/write-scenario.ts';
import { wrongFlag } from './wrong-flag.ts';

/** Flags of `load import`; the `value` is what help shows. */
export const importFlags = {
  output: { type: 'string', short: 'o', multiple: true, value: 'FILE.ts', help: 'where to write; default NAME.ts in this folder. -o json prints the report as JSON' },
  name: { type: 'string', value: 'NAME', help: 'name of the scenario; default the recording’s' },
  origin: { type: 'string', value: 'URL', help: 'of a recording: the system under test; default the first page’s' },
  'keep-origin': { type: 'string', multiple: true, value: 'HOST', help: 'sends the requests to this host to the target too' },
  'keep-static': { type: 'boolean', help: 'keeps style sheets, scripts, images and fonts' },
  'think-max': { type: 'string', value: '60s', help: 'cuts longer pauses; default 60s' },
  force: { type: 'boolean', help: 'replaces a file that is there' },
  json: { type: 'boolean', help: 'the same as -o json' },
} as const;

/** What `load import --help` says. */
export const importHelp = {
  usage: 'import FILE [flags]',
  summary: `Writes a scenario from a HAR recording of one visit: think times as recorded, values of replies carried to later requests,\nsecrets read from the environment; or from an OpenAPI 3 document: one request for every GET and HEAD.\n\nFlags:\n${Object.entries(importFlags)
    .map(([name, flag]) => `  ${`${'short' in flag ? `-${flag.short}, ` : '    '}--${name}${'value' in flag ? ` ${flag.value}` : ''}`.padEnd(26)}${flag.help}`)
    .join('\n')}`,
  examples: ['import session.har -o loadtests/scenarios/checkout.ts', 'import session.har --keep-origin api.example.test', 'import openapi.json --name smoke'],
} as const;

const fileMaxBytes = 512 * 1024 * 1024;
const pauseMaxMs = 24 * 3_600_000;

/** `import FILE`: turns a recording or an API description into a scenario file; the file's path on stdout, what was found on stderr. */
export function importCommand(host: Host, args: readonly string[]): number {
  const options = readFlags(args);
  const source = resolve(host.process.cwd(), options.file);
  const name = kebabName(options.name ?? source.slice(source.lastIndexOf(sep) + 1).replace(/\.[^.]*$/, ''), 'imported');
  const output = resolve(host.process.cwd(), options.output ?? `${name}.ts`);
  if (!output.endsWith('.ts')) throw invalidConfig(`-o ${output} is no TypeScript file`, 'end its name in .ts');
  if (host.files.exists(output) && !options.force) throw invalidConfig(`${output} is there already`, 'give another file with -o, or replace it with --force');
  const { plan, report } = importDocument(readDocument(host, source), source, name, options);
  host.files.writeText(output, writeScenario(plan, { origin: `Imported from ${source.slice(source.lastIndexOf(sep) + 1)}.` }));
  if (options.json) host.stdout.write(`${JSON.stringify({ schema: 'sora.import/v1', file: output, name, ...report })}\n`);
  else host.stdout.write(`${output}\n`);
  host.stderr.write(renderReport(report, relative(host.process.cwd(), output)));
  return 0;
}

function importDocument(document: unknown, source: string, name: string, options: ImportOptions): { plan: ScenarioPlan; report: ImportReport } {
  const keys = typeof document === 'object' && document !== null ? document : {};
  if ('log' in keys) return importHar(readHar(document, source), { ...options, name });
  if ('openapi' in keys) return importOpenApi(document, source, name);
  throw invalidConfig(`${source} is neither a HAR recording nor an OpenAPI document`, 'a recording has "log" at its top, an OpenAPI 3 document "openapi"');
}

function readDocument(host: Host, source: string): unknown {
  if (!host.files.exists(source)) throw invalidConfig(`there is no file ${source}`, 'record a session with the network panel of a browser, and save it as HAR with content');
  const sizeBytes = host.files.sizeBytes(source);
  if (sizeBytes > fileMaxBytes) throw invalidConfig(`${source} has ${sizeBytes} bytes; the limit is ${fileMaxBytes}`, 'record a shorter visit');
  try {
    return JSON.parse(host.files.readText(source).replace(/^\uFEFF/, '')) as unknown;
  } catch (error) {
    // The parser quotes what it read, which may be a secret.
    const place = /position \d+(?: \(line \d+ column \d+\))?/.exec(messageOf(error))?.[0];
    throw invalidConfig(`${source} is no JSON${place === undefined ? '' : `: it breaks off or is malformed at ${place}`}`, 'YAML must be converted to JSON first; a recording must be saved to its end');
  }
}

interface ImportOptions {
  readonly file: string;
  readonly output: string | undefined;
  readonly name: string | undefined;
  readonly origin: string | undefined;
  readonly keepOrigins: readonly string[];
  readonly keepStatic: boolean;
  readonly pauseMaxMs: number;
  readonly force: boolean;
  readonly json: boolean;
}

function readFlags(args: readonly string[]): ImportOptions {
  let parsed;
  try {
    parsed = parseArgs({ args: [...args], options: importFlags, allowPositionals: true, strict: true });
  } catch (error) {
    throw invalidConfig(wrongFlag('load import', args, error), 'all flags: npx sora load import --help', error);
  }
  const { values, positionals } = parsed;
  const [file, ...more] = positionals;
  if (file === undefined || more.length > 0) throw invalidConfig(`load import takes one file, found ${positionals.length}`, 'for example: npx sora load import session.har');
  const think = parseDurationMs(values['think-max'] ?? '60s', '--think-max');
  if (think < 1 || think > pauseMaxMs) throw invalidConfig(`--think-max ${values['think-max']} is outside 1 ms to 24 h`, 'for example --think-max 60s');
  const outputs = (values.output ?? []).filter((output) => output !== 'json');
  if (outputs.length > 1) throw invalidConfig(`load import writes one file, found ${outputs.length}: ${outputs.join(', ')}`, 'give -o FILE.ts once; -o json may stand beside it');
  return {
    file,
    output: outputs[0],
    name: values.name,
    origin: values.origin === undefined ? undefined : readOrigin(values.origin),
    keepOrigins: values['keep-origin'] ?? [],
    keepStatic: values['keep-static'] === true,
    pauseMaxMs: think,
    force: values.force === true,
    json: values.json === true || values.output?.includes('json') === true,
  };
}

function readOrigin(text: string): string {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) throw invalidConfig(`--origin "${text}" is no web address`, 'write it as https://app.example.test');
  return url.origin;
}
