import { connect as connectTo } from 'node:net';
import type { Fault } from '../fault.ts';
import { freeze, killAndAwait, processOf, setFaults } from './reach.ts';

/** Below five in a minute, at which the supervisor gives a process up. */
const kills = 4;

const lastWords = 'SIGKILL leaves no last words';

export const crashingApi: Fault = {
  name: 'api-crashing', what: `the api is killed ${kills} times (SIGKILL), each time when it is ready again`, target: 'api',
  alerts: ['ProcessRestarted', 'CrashLoop', 'ConnectionErrorsCritical', 'ConnectionErrorsHigh'],
  async begin(world) {
    for (let done = 0; done < kills; done++) await killAndAwait(world, 'api');
    return () => Promise.resolve();
  },
  notes: () => ({ excused: { 'npx sora logs --level warn': lastWords } }),
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

/** Together more than what is left below the limit of the drill's topology. */
const held = { requests: 400, bodyBytes: 240_000, latencyMs: 300_000 };

export const fullMemory: Fault = {
  name: 'memory-full', what: `a slow AI provider holds ${held.requests} requests of ${held.bodyBytes / 1_000} kB`, target: 'mock-ai',
  alerts: ['MemoryHigh'],
  async begin(world) {
    const undo = await setFaults(world, 'mock-ai', { latencyMs: held.latencyMs }, { latencyMs: 50 });
    const port = processOf(world, 'mock-ai').port ?? 0;
    const body = JSON.stringify({ model: 'companion-1', messages: [{ role: 'user', content: 'x'.repeat(held.bodyBytes) }] });
    const sockets = Array.from({ length: held.requests }, () => connectTo(port, '127.0.0.1').on('error', () => undefined));
    for (const socket of sockets) socket.write(`POST /v1/chat/completions HTTP/1.1\r\nhost: drill\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
    return async () => {
      for (const socket of sockets) socket.destroy();
      await undo();
      // What its runbook says: memory that is not given back goes with a restart.
      await killAndAwait(world, 'mock-ai');
    };
  },
};
