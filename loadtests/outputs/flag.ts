import { distance } from 'fastest-levenshtein';
import { invalidConfig, SoraError } from '../../ops/core/error.ts';
import { redactText } from '../../ops/telemetry/redact-text.ts';
import { parseTarget } from '../swarm/guard.ts';
import type { TargetPolicy } from '../swarm/guard.ts';

export const fileKinds = ['csv', 'json', 'hdrlog'] as const;
export const networkKinds = ['prometheus-remote-write', 'otlp'] as const;
export type FileKind = (typeof fileKinds)[number];
export type NetworkKind = (typeof networkKinds)[number];

/** One `--out`, read. */
export type OutputSpec =
  | { readonly kind: FileKind; readonly path: string }
  | { readonly kind: NetworkKind; readonly url: URL };

/** Outputs of one run at most. */
export const outputsMax = 10;

const example = '--out csv=seconds.csv or --out otlp=http://127.0.0.1:4318';

/**
 * Reads `csv=file.csv`, `json=file.ndjson`, `hdrlog=file.hlog`, `otlp=URL`, `prometheus-remote-write=URL`.
 * @throws SoraError `invalid_config` on an unknown kind and on what is neither a file nor an http address
 */
export function parseOutputFlag(text: string): OutputSpec {
  const at = text.indexOf('=');
  const kind = at < 0 ? text : text.slice(0, at);
  const value = at < 0 ? '' : text.slice(at + 1);
  const file = fileKinds.find((known) => known === kind);
  const network = networkKinds.find((known) => known === kind);
  if (file === undefined && network === undefined) {
    const kinds = [...fileKinds, ...networkKinds];
    const nearest = kinds.toSorted((a, b) => distance(a, kind) - distance(b, kind))[0];
    const meant = nearest !== undefined && distance(nearest, kind) <= 2 ? `did you mean ${nearest}? ` : '';
    throw invalidConfig(`--out "${redactText(kind).slice(0, 100)}" is no kind of output`, `${meant}Kinds: ${kinds.join(', ')}; write for example ${example}`);
  }
  if (value === '') throw invalidConfig(`--out ${kind} does not say where to`, `write for example ${example}`);
  return file === undefined ? { kind: network ?? 'otlp', url: parseAddress(kind, value) } : { kind: file, path: value };
}

function parseAddress(kind: string, value: string): URL {
  const url = URL.parse(value);
  if (url === null || url.hostname === '' || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw invalidConfig(`--out ${kind}="${redactText(value).slice(0, 200)}" is no http address`, `write for example ${example}`);
  }
  return url;
}

/**
 * Applies the rule of targets to an output: this machine, or what is listed as staging.
 * @throws SoraError `invalid_config` on any other address
 */
export function checkOutput(spec: OutputSpec, policy: TargetPolicy): void {
  if (!('url' in spec)) return;
  try {
    parseTarget(`http://${spec.url.host}`, policy);
  } catch (error) {
    if (!(error instanceof SoraError)) throw error;
    const hint = `outputs go to this machine, or elsewhere if it is yours: list it as staging in sora.config.ts; a name that looks like production wants --confirm-target=${spec.url.hostname} as well`;
    throw invalidConfig(`--out ${spec.kind}: ${error.message.replace(/^target /, '')}`, hint, error);
  }
}

/** Two outputs must not write to one place. @throws SoraError `invalid_config` that names it, and beyond 10 outputs */
export function requireDistinct(specs: readonly OutputSpec[]): void {
  if (specs.length > outputsMax) throw invalidConfig(`${specs.length} outputs are given, at most ${outputsMax} are written`, 'leave some --out away');
  const seen = new Set<string>();
  for (const spec of specs) {
    const place = 'path' in spec ? spec.path : `${spec.kind} ${spec.url.href}`;
    if (seen.has(place)) throw invalidConfig(`two outputs write to ${targetOf(spec)}`, 'give each a place of its own');
    seen.add(place);
  }
}

/** Where an output goes, as people may see it: without user, password and the values of its query. */
export function targetOf(spec: OutputSpec): string {
  if ('path' in spec) return spec.path;
  const { url } = spec;
  const user = url.username === '' && url.password === '' ? '' : '***@';
  const query = [...url.searchParams.keys()].map((name) => `${name}=***`).join('&');
  return `${url.protocol}//${user}${url.host}${url.pathname}${query === '' ? '' : `?${query}`}`;
}
