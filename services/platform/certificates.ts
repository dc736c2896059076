import { connect, type TLSSocket } from 'node:tls';
import { Gauge, type Registry } from 'prom-client';
import { invalidConfig } from '../../ops/core/error.ts';
import type { Host, Timer } from '../../ops/core/host.ts';

export interface CertificateWatch {
  start(): void;
  stop(): void;
  /** Asks every target once. */
  checkOnce(): Promise<void>;
}

const targetsMax = 20;
const everyMs = 10_000;
const timeoutMs = 3_000;

/**
 * The TLS servers whose certificates are watched: those named, and the providers that are spoken to over https.
 * @param named `host:port` by commas
 * @throws SoraError `invalid_config` for a target that is none, or for more than 20
 */
export function certificateTargets(named: string, providerUrls: readonly string[]): string[] {
  const given = named.split(',').map((text) => text.trim()).filter((text) => text !== '');
  for (const target of given) {
    const port = Number(/^[\w.-]+:(\d{1,5})$/.exec(target)?.[1]);
    if (!(port > 0 && port < 65_536)) throw invalidConfig(`SORA_TLS_TARGETS holds "${target}"`, 'write host:port, such as pay.example.test:443');
  }
  const urls = providerUrls.map((url) => new URL(url)).filter(({ protocol }) => protocol === 'https:');
  const targets = [...new Set([...given, ...urls.map(({ hostname, port }) => `${hostname}:${port === '' ? '443' : port}`)])];
  if (targets.length > targetsMax) throw invalidConfig(`${targets.length} certificates would be watched; at most ${targetsMax} are`, 'name fewer in SORA_TLS_TARGETS');
  return targets;
}

/**
 * Reads every target's certificate each 10 s, valid or not: `tls_certificate_expiry_timestamp_seconds{target}`, and
 * `tls_certificate_read{target}`, 0 where the target could not be asked within 3 s; its expiry then stays as it was.
 */
export function createCertificateWatch(host: Host, metrics: Registry, targets: readonly string[]): CertificateWatch {
  const expiry = new Gauge({ name: 'tls_certificate_expiry_timestamp_seconds', help: 'When the certificate of a TLS server runs out', labelNames: ['target'], registers: [metrics] });
  const read = new Gauge({ name: 'tls_certificate_read', help: 'Whether the certificate of a TLS server could be read', labelNames: ['target'], registers: [metrics] });
  let timer: Timer | undefined;
  const checkOnce = async (): Promise<void> => {
    await Promise.all(targets.map(async (target) => {
      const expiresMs = await readExpiryMs(target).catch(() => undefined);
      read.set({ target }, expiresMs === undefined ? 0 : 1);
      if (expiresMs !== undefined) expiry.set({ target }, expiresMs / 1_000);
    }));
  };
  return {
    checkOnce,
    start() {
      if (targets.length === 0) return;
      void checkOnce();
      timer = host.timers.every(everyMs, () => void checkOnce()).unref();
    },
    stop: () => timer?.cancel(),
  };
}

/** When the certificate that `target` shows runs out; also of one that nobody would trust. */
function readExpiryMs(target: string): Promise<number> {
  const [hostname = '', port = ''] = target.split(':');
  return new Promise((resolve, reject) => {
    const socket: TLSSocket = connect({
      host: hostname, port: Number(port), rejectUnauthorized: false, timeout: timeoutMs,
      ...(/^[\d.]+$/.test(hostname) ? {} : { servername: hostname }),
    });
    socket.once('secureConnect', () => {
      const expiresMs = Date.parse(socket.getPeerCertificate().valid_to);
      socket.destroy();
      if (Number.isNaN(expiresMs)) reject(new Error('the certificate names no end'));
      else resolve(expiresMs);
    });
    socket.once('timeout', () => socket.destroy(new Error(`no handshake within ${timeoutMs} ms`)));
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('the server closed the connection')));
  });
}
