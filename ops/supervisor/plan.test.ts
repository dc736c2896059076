import { describe, expect, test } from 'vitest';
import { fixedPorts, listPortNames, planProcesses, renderEnv } from './plan.ts';
import { parseTopology } from './topology.ts';

const api = {
  name: 'api', kind: 'api', runtime: 'node', entry: 'a.ts', port: 'api', socket: true, readiness: { kind: 'http', path: '/readyz', timeoutMs: 1_000 },
  env: { PORT: '${port}', SORA_SOCKET: '${socket}', KEY: '${secret:token}', SORA_SERVICE: '${service}' },
};
const gateway = {
  name: 'gateway', kind: 'gateway', runtime: 'bun', entry: 'g.ts', port: 'gateway', dependsOn: ['api'],
  readiness: { kind: 'http', port: 'admin', path: '/readyz', timeoutMs: 1_000 },
  env: { SORA_UPSTREAMS: '${upstreams:api}', API: '${url:api}', SORA_ADMIN_PORT: '${port:admin}' },
};
const raw = { version: 1, ports: { gateway: 8_080, api: 8_081, admin: 8_090 }, processes: [api, gateway] };
const values = { instance: 'i', stateDir: '/state', logDir: '/logs', databaseUrl: 'postgres://x', controlDatabaseUrl: '', rehearsal: '', secrets: { token: 'secret' } };

describe('planProcesses', () => {
  test('each replica has a name, a port and a socket of its own', () => {
    const topology = parseTopology(raw);
    const replicas = { api: 3 };
    const ports = fixedPorts(topology, replicas);
    const plans = planProcesses(topology, ports, '/run', replicas);
    expect(plans.map(({ name, port, socket, probePort }) => [name, port, socket, probePort])).toEqual([
      ['api-1', 8_081, '/run/api-1.sock', 8_081],
      ['api-2', 8_082, '/run/api-2.sock', 8_082],
      ['api-3', 8_083, '/run/api-3.sock', 8_083],
      ['gateway', 8_080, undefined, 8_090],
    ]);
    expect(listPortNames(topology, replicas)).toEqual(['gateway', 'api', 'admin', 'api#1', 'api#2']);
    const env = plans.map((plan) => renderEnv(topology, plans, plan, ports, values));
    expect(env[1]).toEqual({ PORT: '8082', SORA_SOCKET: '/run/api-2.sock', KEY: 'secret', SORA_SERVICE: 'api-2' });
    expect(env[3]).toEqual({
      SORA_UPSTREAMS: 'unix:/run/api-1.sock,unix:/run/api-2.sock,unix:/run/api-3.sock', API: 'http://127.0.0.1:8081', SORA_ADMIN_PORT: '8090',
    });
  });

  test('refuses replicas of nothing, and ports that meet', () => {
    const topology = parseTopology(raw);
    expect(() => planProcesses(topology, {}, '/run', { apy: 2 })).toThrow('no process apy');
    expect(() => fixedPorts(topology, { api: 12 })).toThrow('port 8090 would be used by admin and by api#9');
  });

  test('a placeholder that nothing fills is an error, not an empty value', () => {
    const topology = parseTopology({ ...raw, processes: [{ ...api, env: { X: '${secret:nope}' } }] });
    const plans = planProcesses(topology, { api: 1 }, '/run');
    const [plan = expect.fail('no plan')] = plans;
    expect(() => renderEnv(topology, plans, plan, {}, values)).toThrow('nothing is known of ${secret:nope}');
  });
});

describe('parseTopology', () => {
  test.each([
    ['a name twice', { processes: [api, api] }, 'api is there twice'],
    ['a dependence on what comes later', { processes: [{ ...api, dependsOn: ['gateway'] }, gateway] }, 'does not come before it'],
    ['an unknown port', { processes: [{ ...api, port: 'nope' }] }, 'uses port nope'],
    ['no entry', { processes: [{ ...api, entry: undefined }] }, 'api has no entry'],
    ['a misspelt key', { processes: [{ ...api, dependOn: [] }] }, 'dependOn'],
    ['several at once', { processes: [{ ...api, replicas: 0, runtime: 'deno' }] }, /runtime.*replicas|replicas.*runtime/],
  ])('refuses %s', (_, change, message) => {
    expect(() => parseTopology({ ...raw, ...change })).toThrow(message);
  });
});
