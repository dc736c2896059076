/** Reads a target's page over kept connections into a buffer that is used again. */
import * as http from 'node:http';
import * as https from 'node:https';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { messageOf, SoraError } from '../../core/error.ts';
import type { Host } from '../../core/host.ts';
import { acceptHeader } from '../exposition/format.ts';
import type { ScrapeTarget } from './target.ts';

export interface FetchedPage {
  /** Only up to `length`, and only until the next page is fetched. */
  readonly bytes: Buffer;
  readonly length: number;
  readonly contentType: string | undefined;
}

export interface FetchLimits {
  /** Of the body, packed and unpacked. Default 32 MiB. */
  readonly bodyBytesMax: number;
}

const inflate = promisify(gunzip);

/** The connections to one target. */
export class MetricsFetcher {
  readonly #host: Host;
  readonly #target: ScrapeTarget;
  readonly #bodyBytesMax: number;
  readonly #isHttps: boolean;
  readonly #agent: http.Agent;
  #buffer = Buffer.alloc(64 * 1024);

  constructor(host: Host, target: ScrapeTarget, limits: FetchLimits) {
    this.#host = host;
    this.#target = target;
    this.#bodyBytesMax = limits.bodyBytesMax;
    this.#isHttps = target.url.startsWith('https:');
    this.#agent = new (this.#isHttps ? https.Agent : http.Agent)({ keepAlive: true, maxSockets: 1 });
  }

  /**
   * One page.
   * @throws SoraError `scrape_failed` for no connection, no answer in time, a status other than 200 or a body too large
   */
  async fetch(): Promise<FetchedPage> {
    const deadline = new AbortController();
    const timer = this.#host.timers.after(this.#target.timeoutMs, () => deadline.abort());
    try {
      return await this.#request(deadline.signal, true);
    } catch (error) {
      if (deadline.signal.aborted) throw new SoraError('scrape_failed', `no answer within ${this.#target.timeoutMs} ms`, { cause: error });
      if (error instanceof SoraError) throw error;
      throw new SoraError('scrape_failed', messageOf(error) || String((error as NodeJS.ErrnoException).code), { cause: error });
    } finally {
      timer.cancel();
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  /** @param mayRepeat once more when a kept connection turns out to be closed, which says nothing of the target */
  #request(signal: AbortSignal, mayRepeat: boolean): Promise<FetchedPage> {
    const { url, authorization, timeoutMs } = this.#target;
    return new Promise((resolve, reject) => {
      const request = (this.#isHttps ? https : http).request(url, {
        agent: this.#agent,
        signal,
        headers: {
          accept: acceptHeader,
          'accept-encoding': isLocal(url) ? 'identity' : 'gzip',
          'user-agent': 'sora-scrape',
          'x-prometheus-scrape-timeout-seconds': String(timeoutMs / 1_000),
          ...(authorization === undefined ? {} : { authorization }),
        },
      }, (response) => {
        this.#read(response).then(resolve, (error: unknown) => {
          request.destroy();
          reject(error as Error);
        });
      });
      request.once('error', (error: NodeJS.ErrnoException) => {
        if (mayRepeat && request.reusedSocket && error.code === 'ECONNRESET' && !signal.aborted) this.#request(signal, false).then(resolve, reject);
        else reject(error);
      });
      request.end();
    });
  }

  async #read(response: http.IncomingMessage): Promise<FetchedPage> {
    if (response.statusCode !== 200) {
      response.resume();
      throw new SoraError('scrape_failed', `the target answers with status ${response.statusCode} ${response.statusMessage ?? ''}`.trimEnd());
    }
    let length = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      if (length + chunk.length > this.#bodyBytesMax) throw this.#tooLarge();
      if (length + chunk.length > this.#buffer.length) {
        const larger = Buffer.alloc(Math.min(this.#bodyBytesMax, Math.max(this.#buffer.length * 2, length + chunk.length)));
        this.#buffer.copy(larger, 0, 0, length);
        this.#buffer = larger;
      }
      chunk.copy(this.#buffer, length);
      length += chunk.length;
    }
    if (!response.complete) throw new SoraError('scrape_failed', 'the connection closed within the answer');
    const contentType = response.headers['content-type'];
    const encoding = response.headers['content-encoding'] ?? 'identity';
    if (encoding === 'identity') return { bytes: this.#buffer, length, contentType };
    if (encoding !== 'gzip') throw new SoraError('scrape_failed', `the target answers with content-encoding ${encoding}, which nobody asked for`);
    const bytes = await this.#inflate(this.#buffer.subarray(0, length));
    return { bytes, length: bytes.length, contentType };
  }

  async #inflate(packed: Buffer): Promise<Buffer> {
    try {
      return await inflate(packed, { maxOutputLength: this.#bodyBytesMax });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw this.#tooLarge();
      throw new SoraError('scrape_failed', `the answer cannot be unpacked: ${messageOf(error)}`, { cause: error });
    }
  }

  #tooLarge(): SoraError {
    return new SoraError('scrape_failed', `the target answers with more than ${this.#bodyBytesMax} bytes`, { hint: 'let it expose fewer series, or raise bodyBytesMax' });
  }
}

/** Packing costs both ends more than the loopback does. */
const isLocal = (url: string): boolean => ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(url).hostname);
