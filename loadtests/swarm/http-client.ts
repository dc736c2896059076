import type { Host } from '../../ops/core/host.ts';
import { type HopListener, watchHops } from './debug-hops.ts';
import { Exchange } from './exchange.ts';
import { localOnly, type TargetPolicy } from './guard.ts';
import { everyone } from './partition.ts';
import { checkFields } from './request-shape.ts';
import { bodyOf, checkPath, headerLines, namesContentType } from './request-text.ts';
import type { Http } from './scenario.ts';
import { createCourier, plainLink } from './transport/create-transport.ts';
import { asksForLinks, checkLinks, type ScenarioLinks } from './transport/scenario-links.ts';
import type { TlsMaterial } from './transport/tls-wire.ts';

/** An `Http` of its own connections, for `setup`, `teardown`, the audit and single runs. */
export interface HttpClient extends Http, Disposable {}

export interface HttpClientOptions {
  /** Connections at most. Default 8. */
  readonly sockets?: number;
  readonly policy?: TargetPolicy | undefined;
  /** Sent with every request that does not name them itself, such as a bearer token. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** For `https:` targets. */
  readonly tls?: TlsMaterial | undefined;
  /** The scenario whose client this is, for its habits and timeouts; default one that asks for nothing. */
  readonly links?: ScenarioLinks | undefined;
  /** Hears of each hop of its requests; default nobody. */
  readonly hops?: HopListener | undefined;
}

/**
 * Opens a client to a target. Close it, or its timer keeps the process alive.
 * @throws SoraError `invalid_config` on a target that the policy refuses
 */
export async function createHttpClient(host: Host, target: string, options: HttpClientOptions = {}): Promise<HttpClient> {
  const now = (): number => host.clock.monotonicMs();
  const { tls, links = {} } = options;
  const courier = await createCourier({
    target,
    policy: options.policy ?? localOnly,
    link: { ...plainLink, tls, timeouts: links.timeouts ?? {} },
    sockets: options.sockets ?? 8,
    partition: everyone,
    habits: links,
    now,
    nowMs: () => host.clock.nowMs(),
    randomBytes: (count) => host.random.bytes(count),
  });
  if (options.hops !== undefined) courier.watch(watchHops(courier.target.origin, now, options.hops));
  const timer = host.timers.every(10, () => courier.tick(now())).unref();
  return {
    async request(request) {
      checkFields(request);
      const { body, type } = bodyOf(request.body);
      const headers = headerLines({ ...options.headers, ...request.headers }) + (type === '' || namesContentType(request.headers) ? '' : type);
      checkPath(request.path);
      checkLinks(request);
      const done = await new Promise<Exchange>((resolve) => {
        const exchange = new Exchange(request.method, request.path, headers, body, request.timeoutMs ?? 0, resolve);
        if (asksForLinks(request)) exchange.links = request;
        courier.send(exchange);
      });
      if (done.reply === undefined) throw done.error!; // A settled exchange has one of the two.
      return done.reply;
    },
    [Symbol.dispose]() {
      timer.cancel();
      courier.close();
    },
  };
}
