import { isIP } from 'node:net';
import { z } from 'zod';
import { invalidConfig } from '../../ops/core/error.ts';
import { commonVariables } from '../platform/environment.ts';
import type { UpstreamAddress } from './contract.ts';
import { parseTrustedPeers, type TrustedPeers } from './forwarded.ts';

export interface GatewayConfig {
  /** Default 127.0.0.1. */
  readonly listenHost: string;
  readonly port: number;
  /** Undefined: no admin port. */
  readonly adminPort: number | undefined;
  readonly upstreams: readonly { readonly name: string; readonly address: UpstreamAddress }[];
  readonly peers: TrustedPeers;
  /** Name of this process in logs and traces. Default `gateway`. */
  readonly service: string;
  /** Folder of the log file; undefined: stderr. */
  readonly logDir: string | undefined;
  readonly logLevel: string;
  /** Most requests in flight to all upstreams together. */
  readonly concurrencyMax: number;
}

const port = z.coerce.number().int().min(0).max(65_535);
const { SORA_SERVICE, SORA_LOG_DIR, SORA_LOG_LEVEL } = commonVariables;
const schema = z.object({
  PORT: port,
  SORA_LISTEN: z.string().refine((text) => isIP(text) !== 0, 'must be an IP address').default('127.0.0.1'),
  SORA_ADMIN_PORT: port.optional(),
  SORA_UPSTREAMS: z.string().min(1),
  SORA_SERVICE,
  SORA_LOG_DIR,
  SORA_LOG_LEVEL,
  SORA_TRUSTED_PEERS: z.string().default(''),
  SORA_GATEWAY_CONCURRENCY: z.coerce.number().int().min(1).max(100_000).default(1_024),
});

/** @throws SoraError `invalid_config` with every fault at once */
export function readConfig(env: Readonly<Record<string, string | undefined>>): GatewayConfig {
  const parsed = schema.safeParse(env);
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => {
      const name = issue.path.join('.');
      return `${name}=${JSON.stringify(env[name])}: ${issue.message}`;
    });
    throw invalidConfig(`the gateway's environment is wrong: ${faults.join('; ')}`, 'set PORT and SORA_UPSTREAMS, such as SORA_UPSTREAMS=http://127.0.0.1:3001');
  }
  const { data } = parsed;
  return {
    listenHost: data.SORA_LISTEN,
    port: data.PORT,
    adminPort: data.SORA_ADMIN_PORT,
    upstreams: data.SORA_UPSTREAMS.split(',').map((text) => text.trim()).filter((text) => text !== '').map(parseUpstream),
    peers: parseTrustedPeers(data.SORA_TRUSTED_PEERS),
    service: data.SORA_SERVICE ?? 'gateway',
    logDir: data.SORA_LOG_DIR,
    logLevel: data.SORA_LOG_LEVEL,
    concurrencyMax: data.SORA_GATEWAY_CONCURRENCY,
  };
}

function parseUpstream(text: string): { name: string; address: UpstreamAddress } {
  if (text.startsWith('unix:/')) return { name: text, address: { kind: 'unix', path: text.slice(5) } };
  const match = /^http:\/\/([^/:]+|\[[0-9a-f:]+\]):(\d{1,5})\/?$/.exec(text);
  if (match === null || Number(match[2]) > 65_535 || Number(match[2]) === 0) {
    throw invalidConfig(`SORA_UPSTREAMS holds "${text}"`, 'write unix:/path/to.sock or http://host:port');
  }
  const host = (match[1] as string).replace(/^\[|\]$/g, '');
  return { name: `${match[1]}:${match[2]}`, address: { kind: 'tcp', host, port: Number(match[2]) } };
}
