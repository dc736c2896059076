import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A certificate that signs itself, for tests. */
export interface TestCertificate {
  readonly cert: string;
  readonly key: string;
}

/**
 * Makes a certificate of one day for names and addresses such as `DNS:localhost,IP:127.0.0.1`.
 * Undefined where the machine has no openssl; Node itself can sign none.
 */
export function makeCertificate(subjectAltName: string): TestCertificate | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'sora-certificate-'));
  try {
    const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
    const made = spawnSync('openssl', [
      'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1',
      '-subj', '/CN=sora test', '-addext', `subjectAltName=${subjectAltName}`, '-keyout', key, '-out', cert,
    ]);
    if (made.status !== 0) return undefined;
    return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
