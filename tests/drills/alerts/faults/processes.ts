import { once } from 'node:events';
import { connect as connectTo } from 'node:net';
import type { Socket } from 'node:net';
import type { Fault } from '../fault.ts';
import { freeze, killAndAwait, processOf } from './reach.ts';

/** Below five in a minute, at which the supervisor gives a process up. */
const kills = 4;

export const crashingApi: Fault = {
  name: 'api-crashing', what: `the api is killed ${kills} times (SIGKILL), each time when it is ready again`, target: 'api',
  alerts: ['ProcessRestarted', 'CrashLoop', 'ConnectionErrorsCritical', 'ConnectionErrorsHigh'],
  async begin(world) {
    for (let done = 0; done < kills; done++) await killAndAwait(world, 'api');
    return () => Promise.resolve();
  },
};

const slowStartMs = 2_500;

export const slowStart: Fault = {
  name: 'start-slow', what: `the workers are killed, and their successor stands still for ${slowStartMs / 1_000} s as it starts`, target: 'workers',
  alerts: ['ColdStartSlow'],
  async begin(world) {
    const { host, signal } = world;
    const before = processOf(world, 'workers').pid;
    host.process.kill(before, 'SIGKILL');
    let pid = before;
    while (pid === before) {
      await host.timers.sleep(20, signal);
      pid = world.stack().processes.find(({ name }) => name === 'workers')?.pid ?? before;
    }
    const thaw = freeze(world, pid);
    await host.timers.sleep(slowStartMs, signal);
    thaw();
    return () => killAndAwait(world, 'workers');
  },
};

/** Each costs the server a few kilobytes; together more than what is left below its limit. */
const idleConnections = 9_000;

export const fullMemory: Fault = {
  name: 'memory-full', what: `${idleConnections.toLocaleString('en')} connections are opened to the mock of the AI provider and left idle`, target: 'mock-ai',
  alerts: ['MemoryHigh'],
  async begin(world) {
    const port = processOf(world, 'mock-ai').port ?? 0;
    const sockets: Socket[] = [];
    for (let left = idleConnections; left > 0; left--) {
      const socket = connectTo(port, '127.0.0.1').on('error', () => undefined);
      sockets.push(socket);
      // A head that never ends is what makes a server keep bytes.
      socket.write(`GET /healthz HTTP/1.1\r\nhost: drill\r\nx-padding: ${'x'.repeat(3_000)}`);
      if (left % 500 === 0) await once(socket, 'connect');
    }
    return async () => {
      for (const socket of sockets) socket.destroy();
      // What its runbook says: memory that is not given back goes with a restart.
      await killAndAwait(world, 'mock-ai');
    };
  },
};
