import { createServer } from 'node:net';
import { SoraError } from '../core/error.ts';

const loopback = '127.0.0.1';

/**
 * Finds free TCP ports on 127.0.0.1, all different. Another program may take one before it is
 * used, so whoever binds it must be ready to ask again.
 */
export async function findFreePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => listen(0)));
  const ports = servers.map((server) => server.port);
  await Promise.all(servers.map((server) => server.close()));
  return ports;
}

/** Whether a program could listen on this port of 127.0.0.1 now. */
export async function isPortFree(port: number): Promise<boolean> {
  try {
    const server = await listen(port);
    await server.close();
    return true;
  } catch {
    return false;
  }
}

function listen(port: number): Promise<{ port: number; close(): Promise<void> }> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host: loopback, exclusive: true }, () => {
      const address = server.address();
      if (address === null || typeof address === 'string') {
        reject(new SoraError('no_port', `no TCP port came from ${loopback}:${port}`));
        return;
      }
      resolve({ port: address.port, close: () => new Promise((done) => server.close(() => done())) });
    });
  });
}
