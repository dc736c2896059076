import { invalidConfig, SoraError } from '../../ops/core/error.ts';
import { parseOutputFlag, requireDistinct } from '../outputs/flag.ts';
import type { OutputSpec } from '../outputs/flag.ts';
import { parsePartition, parseRunId, parseStartAt, requireShareName, shareFlags } from '../shares/flags.ts';
import type { ShareOptions } from '../shares/flags.ts';

/** Flags about where a run's seconds go, and about runs in shares. */
export const outputAndShareFlags = {
  out: { type: 'string', multiple: true, value: 'KIND=WHERE', help: 'sends each second to csv=FILE, json=FILE, hdrlog=FILE, otlp=URL or prometheus-remote-write=URL; any number at once' },
  ...shareFlags,
} as const;

type Values = Readonly<Record<string, unknown>>;

/** What they say. */
export interface OutputAndShareOptions {
  readonly outputs: readonly OutputSpec[];
  readonly share: ShareOptions;
}

/** Reads them. @param errors takes everything that is wrong */
export function readOutputAndShareFlags(values: Values, errors: SoraError[]): OutputAndShareOptions {
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof SoraError)) throw error;
      errors.push(error);
      return undefined;
    }
  };
  const given = <T>(name: string, parse: (text: string) => T): T | undefined => {
    const value = values[name];
    return typeof value === 'string' ? attempt(() => parse(value)) : undefined;
  };
  const list = Array.isArray(values['out']) ? values['out'].map(String) : [];
  const outputs = list.flatMap((text) => attempt(() => [parseOutputFlag(text)]) ?? []);
  attempt(() => requireDistinct(outputs));
  const share = { partition: given('partition', parsePartition), runId: given('run-id', parseRunId), startAtMs: given('start-at', parseStartAt) };
  if (share.partition !== undefined && share.partition.count > 1 && values['baseline'] !== undefined) {
    errors.push(invalidConfig('--baseline judges whole runs, and this is one share', 'merge the shares, then: npx sora load compare'));
  }
  if (typeof values['run-id'] !== 'string') attempt(() => requireShareName(share));
  return { outputs, share };
}
