import { assertNever } from '../../ops/core/error.ts';
import { meanOf } from '../swarm/random.ts';
import type { Distribution } from '../swarm/scenario.ts';
import { camelName, Names } from './names.ts';
import { partsOf, showTemplate } from './plan.ts';
import type { BodyPlan, JsonPlan, RequestPlan, ScenarioPlan, Source, StepPlan } from './plan.ts';
import { commentText, literal, propertyName, templateText } from './write-text.ts';

export interface WriteOptions {
  /** Where the scenario came from, for its first comment. */
  readonly origin: string;
}

const kitNames = ['basic', 'carried', 'form', 'readIfAny', 'readSecrets', 'readValue', 'secret', 'xmlText'] as const;
/** A journey that was recorded is one person's visit, so visitors arrive: about so many are there at once, and at most. */
const visitors = { atOnce: 10, most: 100, perSMax: 10 } as const;
/** Lines up to this long stay one line. */
const lineMax = 140;

/**
 * Writes a scenario as a TypeScript file that passes the project's types and lint, and is meant to be edited. It imports
 * by the package's name, so that it may lie anywhere.
 */
export function writeScenario(plan: ScenarioPlan, options: WriteOptions): string {
  const takes = plan.steps.flatMap(({ requests }) => requests.flatMap((request) => request.takes));
  const carried = [...new Set(takes.map(({ name }) => name))];
  const type = takes.some(({ isOptional }) => isOptional === true) ? 'string | undefined' : 'string';
  const functions = new Names('', ['User', 'Carried', 'scenario', 'user', 'reply', 'encodeURIComponent', 'Number', ...kitNames]);
  const steps = plan.steps.map((step) => ({ step, name: functions.take(camelName(step.op, 'step')) }));
  const bodies = steps.map(({ step, name }, index) => writeStep(step, name, index === 0 && carried.length > 0));
  const main = [...writeScenarioCall(plan, steps, carried.length > 0), ...bodies.flat()];
  const used = kitNamesOf(plan);
  return [
    ...(used.length === 0 ? [] : [`import { ${used.join(', ')} } from 'sora/import';`]),
    "import { scenario, type VirtualUser } from 'sora';",
    '',
    ...(carried.length === 0 ? ['type User = VirtualUser<undefined>;'] : [
      '/** What replies hand to later requests. */',
      `type Carried = Partial<Record<${carried.map(literal).join(' | ')}, ${type}>>;`,
      'type User = VirtualUser<Carried>;',
    ]),
    '',
    `/** ${commentText(options.origin)} */`,
    ...main,
    '',
  ].join('\n');
}

/** What of the kit the file calls. */
function kitNamesOf({ steps, secrets }: ScenarioPlan): readonly string[] {
  const requests = steps.flatMap((step) => step.requests);
  const takes = requests.flatMap((request) => request.takes);
  const kinds = new Set(partsOf(requests).map(({ kind }) => kind));
  const calls: Record<(typeof kitNames)[number], boolean> = {
    basic: kinds.has('basic'),
    carried: kinds.has('carried'),
    form: requests.some(({ body }) => body.kind === 'form'),
    readSecrets: secrets.length > 0,
    readIfAny: takes.some(({ isOptional }) => isOptional === true),
    readValue: takes.some(({ isOptional }) => isOptional !== true),
    secret: kinds.has('secret') || kinds.has('basic'),
    xmlText: requests.some(({ body }) => body.kind === 'text' && body.isXml === true && body.text.some(({ kind }) => kind !== 'text')),
  };
  return kitNames.filter((name) => calls[name]);
}

/** Visits a second that keep about ten people there, to two figures. */
function visitsPerS({ steps, thinkTimeMs }: ScenarioPlan): number {
  // Who arrives does not pause first.
  const visitMs = steps.slice(1).reduce((sum, step) => sum + meanOf(step.thinkTimeMs ?? thinkTimeMs), 0);
  return Number(Math.min(visitors.perSMax, (visitors.atOnce * 1_000) / Math.max(1, visitMs)).toPrecision(2));
}

function writeScenarioCall(plan: ScenarioPlan, steps: readonly { step: StepPlan; name: string }[], carries: boolean): string[] {
  const perS = visitsPerS(plan);
  return [
    carries ? 'export default scenario<Carried>({' : 'export default scenario({',
    `  name: ${literal(plan.name)},`,
    `  description: ${literal(plan.description)},`,
    `  users: ${visitors.most},`,
    `  arrival: { kind: 'sessions', stages: [{ perS: ${perS}, durationMs: 10_000 }, { perS: ${perS}, durationMs: 60_000, judged: true }] },`,
    `  thinkTimeMs: ${distributionText(plan.thinkTimeMs)},`,
    '  journeys: [',
    '    {',
    `      name: ${literal(plan.name)},`,
    '      weight: 1,',
    '      steps: [',
    ...steps.map(({ step, name }) => `        { op: ${literal(step.op)}, run: ${name}${step.thinkTimeMs === undefined ? '' : `, thinkTimeMs: ${distributionText(step.thinkTimeMs)}`} },`),
    '      ],',
    '    },',
    '  ],',
    "  thresholds: { response_time: ['p(95)<1000'], http_req_failed: ['rate<0.01'] },",
    ...(carries ? ['  state: () => ({}),'] : []),
    ...(plan.secrets.length === 0 ? [] : [`  setup: () => readSecrets([${plan.secrets.map(literal).join(', ')}]),`]),
    '});',
  ];
}

function distributionText(distribution: Distribution): string {
  return objectText(Object.entries(distribution).map(([name, value]) => [name, typeof value === 'number' ? numberText(value) : literal(value)]), '');
}

/** `12_500`: digits in groups from 10,000 on. */
function numberText(value: number): string {
  return Math.abs(value) >= 1_000 && Number.isInteger(value) ? String(value).replaceAll(/\B(?=(?:\d{3})+$)/g, '_') : String(value);
}

function writeStep(step: StepPlan, name: string, isFirst: boolean): string[] {
  return [
    '',
    `async function ${name}(user: User): Promise<void> {`,
    ...(isFirst ? ['  user.state = {};'] : []),
    ...step.requests.flatMap((request, index) => writeRequest(request, step.requests.length === 1 ? 'reply' : `reply${index + 1}`)),
    '}',
  ];
}

function writeRequest(request: RequestPlan, reply: string): string[] {
  const fields: [string, string][] = [['method', literal(request.method)], ['path', templateText(request.path, 'encodeURIComponent')]];
  if (request.headers.length > 0) fields.push(['headers', objectText(request.headers.map(([name, value]) => [name, templateText(value)]), '    ')]);
  const body = bodyText(request.body);
  if (body !== undefined) fields.push(['body', body]);
  if (request.status !== undefined && request.status >= 400) fields.push(['expect', `[${request.status}]`]);
  const label = `${request.method} ${showTemplate(request.path).replace(/\?.*$/s, '')} answers`;
  return [
    `  const ${reply} = await user.http.request(${objectText(fields, '  ')});`,
    request.status === undefined
      ? `  user.check(${reply}.status < 400, ${literal(label)});`
      : `  user.check(${reply}.status === ${request.status}, ${literal(`${label} ${request.status}`)});`,
    ...request.takes.map(({ name, source, isOptional }) => `  user.state.${name} = ${isOptional === true ? 'readIfAny' : 'readValue'}(${reply}, ${sourceText(source)});`),
  ];
}

function bodyText(body: BodyPlan): string | undefined {
  switch (body.kind) {
    case 'none':
      return undefined;
    case 'json':
      return jsonText(body.json, '    ');
    case 'form':
      return `form(${listText(body.fields.map(([name, value]) => `[${literal(name)}, ${templateText(value)}]`), '    ')})`;
    case 'text':
      return templateText(body.text, body.isXml === true ? 'xmlText' : undefined);
    default:
      return assertNever(body);
  }
}

function jsonText(json: JsonPlan, indent: string): string {
  switch (json.kind) {
    case 'value':
      return typeof json.value === 'string' ? literal(json.value) : Object.is(json.value, -0) ? '-0' : String(json.value);
    case 'template':
      return json.isNumber ? `Number(${templateText(json.template)})` : templateText(json.template);
    case 'array':
      return listText(json.items.map((item) => jsonText(item, `${indent}  `)), indent);
    case 'object':
      return objectText(json.entries.map(([name, value]) => [name, jsonText(value, `${indent}  `)]), indent);
    default:
      return assertNever(json);
  }
}

function sourceText(source: Source): string {
  const valueText = (value: unknown): string =>
    Array.isArray(value) ? `[${value.map(valueText).join(', ')}]` : typeof value === 'number' || typeof value === 'boolean' ? String(value) : literal(String(value));
  return objectText(Object.entries(source).map(([name, value]) => [name, valueText(value)]), '  ');
}

function objectText(fields: readonly (readonly [string, string])[], indent: string): string {
  return group('{ ', ' }', '{', '}', fields.map(([name, value]) => `${propertyName(name)}: ${value}`), indent);
}

function listText(items: readonly string[], indent: string): string {
  return group('[', ']', '[', ']', items, indent);
}

/** One line where it fits, else a line each. */
function group(open: string, close: string, openLong: string, closeLong: string, items: readonly string[], indent: string): string {
  if (items.length === 0) return `${openLong}${closeLong}`;
  const line = `${open}${items.join(', ')}${close}`;
  if (indent.length + line.length <= lineMax && !line.includes('\n')) return line;
  return `${openLong}\n${items.map((item) => `${indent}  ${item},\n`).join('')}${indent}${closeLong}`;
}
