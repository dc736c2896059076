import { Agent, request as send, type IncomingMessage } from 'node:http';
import { SoraError } from '../../ops/core/error.ts';
import type { SdkReply, SdkRequest, SdkTransport } from './transport.ts';

export interface NodeTransportOptions {
  /** Such as `http://127.0.0.1:8080`. */
  readonly baseUrl: string;
  /** Access token; sent as a bearer token. */
  readonly token?: string;
  /** Sockets kept open. Default 16. */
  readonly socketsMax?: number;
  /** Default 30,000. */
  readonly timeoutMs?: number;
}

/** Largest reply body taken; a larger one ends the request with an error. */
const replyBytesMax = 8 * 1024 * 1024;

/** A keep-alive transport for programs that are no load generator. */
export function createNodeTransport(options: NodeTransportOptions): SdkTransport & { close(): void } {
  const agent = new Agent({ keepAlive: true, maxSockets: options.socketsMax ?? 16 });
  const auth = options.token === undefined ? {} : { authorization: `Bearer ${options.token}` };
  return {
    request: (request) => exchange(agent, options, auth, request),
    close: () => agent.destroy(),
  };
}

function exchange(
  agent: Agent,
  options: NodeTransportOptions,
  auth: Record<string, string>,
  request: SdkRequest,
): Promise<SdkReply> {
  const payload = request.body === undefined ? undefined : Buffer.from(JSON.stringify(request.body));
  const timeoutMs = request.timeoutMs ?? options.timeoutMs ?? 30_000;
  const headers = {
    accept: 'application/json',
    ...auth,
    ...(payload === undefined ? {} : { 'content-type': 'application/json', 'content-length': String(payload.length) }),
    ...request.headers,
  };
  return new Promise((resolve, reject) => {
    const outgoing = send(new URL(request.path, options.baseUrl), { agent, method: request.method, headers });
    outgoing.setTimeout(timeoutMs, () => {
      outgoing.destroy(new SoraError('timeout', `${request.method} ${request.path} gave no reply within ${timeoutMs} ms`));
    });
    outgoing.on('error', reject);
    outgoing.on('response', (incoming) => {
      readReply(incoming).then(resolve, reject);
    });
    outgoing.end(payload);
  });
}

async function readReply(incoming: IncomingMessage): Promise<SdkReply> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > replyBytesMax) {
      incoming.destroy();
      throw new SoraError('reply_too_large', `the reply exceeds ${replyBytesMax} bytes`);
    }
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks);
  const headers = Object.fromEntries(Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]));
  return { status: incoming.statusCode ?? 0, headers, body, json: <T>() => JSON.parse(body.toString()) as T };
}
