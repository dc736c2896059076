import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:tls';
import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { createCertificate } from '../../tests/certificate.ts';
import { certificateTargets, createCertificateWatch } from './certificates.ts';

const host = createNodeHost();

describe('certificateTargets', () => {
  it('takes those named and the providers over https, each once', () => {
    expect(certificateTargets(' a.test:8443, b.test:443 ', ['https://b.test/x', 'http://c.test', 'https://d.test:9443'])).toEqual(['a.test:8443', 'b.test:443', 'd.test:9443']);
    expect(certificateTargets('', ['http://127.0.0.1:8091'])).toEqual([]);
  });

  it.each(['a.test', 'a.test:0', 'a.test:65536', 'https://a.test:443'])('refuses %s', (target) => {
    expect(() => certificateTargets(target, [])).toThrow(`SORA_TLS_TARGETS holds "${target}"`);
  });
});

describe('the certificate watch', () => {
  it('tells when a certificate runs out, even one that has, and that a target is gone', async () => {
    const notAfterMs = Date.UTC(2026, 0, 31, 12, 30, 15);
    const server = createServer(createCertificate(notAfterMs), (socket) => socket.end()).listen(0, '127.0.0.1');
    server.on('tlsClientError', () => undefined);
    await once(server, 'listening');
    const target = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const metrics = new Registry();
    const watch = createCertificateWatch(host, metrics, [target]);
    await watch.checkOnce();
    expect(await metrics.metrics()).toContain(`tls_certificate_expiry_timestamp_seconds{target="${target}"} ${notAfterMs / 1_000}`);
    expect(await metrics.metrics()).toContain(`tls_certificate_read{target="${target}"} 1`);
    server.close();
    await once(server, 'close');
    await watch.checkOnce();
    expect(await metrics.metrics()).toContain(`tls_certificate_read{target="${target}"} 0`);
    expect(await metrics.metrics()).toContain(`${target}"} ${notAfterMs / 1_000}`);
  });
});
