import { get } from 'node:http';
import { connect } from 'node:net';
import type { ProbeResult } from './process-state.ts';

const loopback = '127.0.0.1';

/** Asks `path` once: 200 is `ok`, any other answer `refusing`, none within the time `silent`. */
export function probeHttp(port: number, path: string, timeoutMs: number): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const request = get({ host: loopback, port, path, agent: false, timeout: timeoutMs }, (response) => {
      response.resume();
      resolve(response.statusCode === 200 ? 'ok' : 'refusing');
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve('silent'));
    request.on('close', () => resolve('silent'));
  });
}

/** Opens a connection once and closes it. */
export function probeTcp(port: number, timeoutMs: number): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const socket = connect({ host: loopback, port, timeout: timeoutMs });
    const settle = (result: ProbeResult): void => {
      socket.destroy();
      resolve(result);
    };
    socket.once('connect', () => settle('ok'));
    socket.once('timeout', () => settle('silent'));
    socket.once('error', () => settle('silent'));
  });
}
