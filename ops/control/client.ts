/** How commands talk to the control plane of the stack that is up. */
import { request } from 'node:http';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { SoraError, invalidConfig } from '../core/error.ts';
import type { Host } from '../core/host.ts';
import { readSecrets } from '../supervisor/secrets.ts';
import { readLiveStack } from '../supervisor/stack-state.ts';
import { actorHeader } from './auth.ts';
import type { Role } from './auth.ts';

/** Where SORA's own API begins; each domain has a noun below it. */
export const apiPrefix = '/api/sora/v1';

/** Paths begin at the server's root, such as `/api/sora/v1/silences`; replies are checked by a schema. */
export interface ControlClient {
  readonly url: string;
  get<Reply>(path: string, reply: z.ZodType<Reply>): Promise<Reply>;
  /** A reply of up to 256 MB as it is. */
  text(path: string): Promise<string>;
  post<Reply>(path: string, body: unknown, reply: z.ZodType<Reply>): Promise<Reply>;
  delete<Reply>(path: string, reply: z.ZodType<Reply>): Promise<Reply>;
}

/** What of a command's context it needs. */
export interface ClientContext {
  readonly host: Host;
  /** Folder of all state. */
  readonly home: string;
}

const timeoutMs = 35_000;
const replyMaxBytes = 64 * 1_048_576;
const textMaxBytes = 256 * 1_048_576;

/**
 * A client of SORA_CONTROL_URL with SORA_CONTROL_TOKEN where they are set, else of the stack of `sora up`, else of a
 * load run's, with the token of `role` from its secrets.
 * @param role default `operator`
 * @throws SoraError `invalid_config` when no control plane runs
 */
export function controlClient(context: ClientContext, role: Role = 'operator'): ControlClient {
  const { url, token } = findControl(context, role);
  const actor = userName();
  const call = async <Reply>(method: string, path: string, body: unknown, reply: z.ZodType<Reply>): Promise<Reply> => {
    const { status, text } = await exchange(new URL(path, url), method, token, actor, body, replyMaxBytes);
    if (status >= 300) throw refused(status, text, url);
    const parsed = reply.safeParse(text === '' ? undefined : parseJson(text));
    if (!parsed.success) throw new SoraError('control_reply', `the control plane's reply to ${method} ${path} is not understood: ${z.prettifyError(parsed.error)}`, { hint: 'the stack may run another version of SORA: start it anew' });
    return parsed.data;
  };
  return {
    url,
    async text(path) {
      const { status, text } = await exchange(new URL(path, url), 'GET', token, actor, undefined, textMaxBytes);
      if (status >= 300) throw refused(status, text, url);
      return text;
    },
    get: (path, reply) => call('GET', path, undefined, reply),
    post: (path, body, reply) => call('POST', path, body, reply),
    delete: (path, reply) => call('DELETE', path, undefined, reply),
  };
}

function findControl({ host, home }: ClientContext, role: Role): { url: string; token: string } {
  const { SORA_CONTROL_URL: url, SORA_CONTROL_TOKEN: token } = host.process.env;
  if (url !== undefined && url !== '') {
    if (URL.parse(url) === null) throw invalidConfig(`SORA_CONTROL_URL "${url}" is not a URL`, 'for example http://127.0.0.1:8070');
    if (token === undefined || token === '') throw invalidConfig('SORA_CONTROL_TOKEN is not set', `give the ${role} token of the control plane at ${url}`);
    return { url, token };
  }
  for (const name of ['stack', 'load-stack']) {
    const stateDir = join(home, name);
    const found = readLiveStack(host, stateDir)?.urls['control'];
    const secrets = readSecrets(host, stateDir);
    if (found !== undefined && secrets?.control !== undefined) return { url: found, token: secrets.control[role] };
  }
  throw invalidConfig('no control plane runs', 'start the stack with: npx sora up; or set SORA_CONTROL_URL and SORA_CONTROL_TOKEN');
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A user id without an entry, as containers have.
    return '';
  }
}

function exchange(url: URL, method: string, token: string, actor: string, body: unknown, sizeMaxBytes: number): Promise<{ status: number; text: string }> {
  const sent = body === undefined ? undefined : JSON.stringify(body);
  const headers = {
    authorization: `Bearer ${token}`,
    accept: 'application/json',
    ...(/^[\w.@+-]+$/.test(actor) ? { [actorHeader]: actor } : {}),
    ...(sent === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(sent) }),
  };
  return new Promise((resolve, reject) => {
    const call = request(url, { method, headers, agent: false, timeout: timeoutMs }, (response) => {
      const chunks: Buffer[] = [];
      let sizeBytes = 0;
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        sizeBytes += chunk.length;
        if (sizeBytes > sizeMaxBytes) response.destroy(new SoraError('control_reply', `the reply passes ${sizeMaxBytes} bytes`, { hint: 'ask for less' }));
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }));
      response.on('error', reject);
    });
    call.on('timeout', () => call.destroy(new Error(`no reply within ${timeoutMs} ms`)));
    call.on('error', (error) => reject(error instanceof SoraError ? error : unreachable(url, error)));
    call.end(sent);
  });
}

function unreachable(url: URL, cause: Error): SoraError {
  return new SoraError('control_unreachable', `the control plane at ${url.origin} does not answer: ${cause.message || (cause as NodeJS.ErrnoException).code}`, { hint: 'sora status shows whether control is up', cause });
}

const problemSchema = z.object({ detail: z.string().optional(), error: z.string().optional(), hint: z.string().optional(), code: z.string().optional() });

function refused(status: number, text: string, url: string): SoraError {
  const problem = problemSchema.safeParse(parseJson(text)).data;
  const message = problem?.detail ?? problem?.error ?? `the control plane at ${url} answered ${status}`;
  return new SoraError(problem?.code ?? 'control_refused', message, { status, ...(problem?.hint === undefined ? {} : { hint: problem.hint }), ...(status < 500 ? { exitCode: 104 as const } : {}) });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
