import { invalidConfig, type SoraError } from '../../ops/core/error.ts';
import type { LinkOverrides } from '../swarm/transport/link-plan.ts';
import { SourceAddresses } from '../swarm/transport/source-addresses.ts';

/** Flags about connections. */
export const transportFlags = {
  transport: { type: 'string', value: 'pooled|per-user', help: 'connections shared by all users, or one for each; default the scenario’s, else pooled' },
  'source-addresses': { type: 'string', value: 'A,B/8', help: 'addresses and ranges that connections come from; default the system’s choice, 127.0.0.0/8 where that is too few' },
  'tls-ca': { type: 'string', value: 'FILE', help: 'PEM file of authorities to trust for https targets' },
  'tls-cert': { type: 'string', value: 'FILE', help: 'PEM file of the client’s certificate' },
  'tls-key': { type: 'string', value: 'FILE', help: 'PEM file of its key' },
  'tls-servername': { type: 'string', value: 'NAME', help: 'name that the server’s certificate must have; default the target’s host' },
  'tls-insecure': { type: 'boolean', help: 'takes any certificate; says nothing about who answers' },
} as const;

type Values = Readonly<Record<string, unknown>>;

/** Reads them. @param errors takes everything that is wrong */
export function readTransportFlags(values: Values, errors: SoraError[]): LinkOverrides {
  const text = (name: keyof typeof transportFlags): string | undefined => (typeof values[name] === 'string' ? values[name] : undefined);
  const transport = text('transport');
  if (transport !== undefined && transport !== 'pooled' && transport !== 'per-user') {
    errors.push(invalidConfig(`--transport ${JSON.stringify(transport)} is unknown`, 'use pooled or per-user'));
  }
  const tls = {
    ...named('ca', text('tls-ca')),
    ...named('cert', text('tls-cert')),
    ...named('key', text('tls-key')),
    ...named('servername', text('tls-servername')),
    ...(values['tls-insecure'] === true ? { rejectUnauthorized: false } : {}),
  };
  return {
    transport: transport === 'pooled' || transport === 'per-user' ? transport : undefined,
    sourceAddresses: readSources(text('source-addresses'), errors),
    tls: Object.keys(tls).length === 0 ? undefined : tls,
  };
}

function named(name: string, value: string | undefined): Record<string, string> {
  return value === undefined ? {} : { [name]: value };
}

function readSources(text: string | undefined, errors: SoraError[]): readonly string[] | undefined {
  if (text === undefined) return undefined;
  const entries = text.split(',').map((entry) => entry.trim()).filter((entry) => entry !== '');
  try {
    if (new SourceAddresses(entries).count > 0) return entries;
    errors.push(invalidConfig(`--source-addresses ${JSON.stringify(text)} names none`, 'write 127.0.0.0/8, or addresses with commas between'));
  } catch (error) {
    errors.push(error as SoraError);
  }
  return undefined;
}
