import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Ajv } from 'ajv';
import { Job } from 'kubernetes-models/batch/v1';
import { ConfigMap, EnvVar, PersistentVolumeClaim, PodSecurityContext, ResourceRequirements, SecurityContext, Volume, VolumeMount } from 'kubernetes-models/v1';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { runFlags } from '../cli/options.ts';
import { parsePartition, parseRunId, parseStartAt } from './flags.ts';

const root = join(import.meta.dirname, '../..');
const folder = join(root, 'deploy/kubernetes');
const read = (file: string): string => readFileSync(join(folder, file), 'utf8');
const scratch = mkdtempSync(join(tmpdir(), 'sora-kubernetes-'));
afterAll(() => rmSync(scratch, { recursive: true }));

interface Container {
  readonly name: string;
  readonly image: string;
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: { readonly configMapKeyRef?: { readonly name: string; readonly key: string } } }[];
  readonly resources?: { readonly requests?: object; readonly limits?: object };
  readonly securityContext?: object;
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string; readonly subPath?: string }[];
}

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: Record<string, unknown>;
}

interface PodSpec {
  readonly automountServiceAccountToken?: boolean;
  readonly securityContext?: object;
  readonly initContainers?: readonly Container[];
  readonly containers: readonly Container[];
  readonly volumes: readonly { readonly name: string; readonly persistentVolumeClaim?: { readonly claimName: string }; readonly configMap?: { readonly name: string } }[];
}

const manifests = ['load-run.yaml', 'load-merge.yaml', 'k6-testrun.yaml'].flatMap((file) =>
  parseAllDocuments(read(file), { merge: true }).map((document): Manifest => {
    expect([file, document.errors]).toEqual([file, []]);
    return document.toJS() as Manifest;
  }));
const find = (kind: string, name: string): Manifest => manifests.find((each) => each.kind === kind && each.metadata.name === name) ?? expect.fail(`there is no ${kind} ${name}`);
const models: Readonly<Record<string, new (data: never) => { validate(): void }>> = { Job, ConfigMap, PersistentVolumeClaim };
const jobs = manifests.filter(({ kind }) => kind === 'Job');
const podOf = ({ spec }: Manifest): PodSpec => (spec as unknown as { template: { spec: PodSpec } }).template.spec;
const containersOf = (job: Manifest): Container[] => [...(podOf(job).initContainers ?? []), ...podOf(job).containers];
const envOf = (container: Container, name: string): string | undefined => container.env?.find((each) => each.name === name)?.value;
const confined = { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } };

/** Stages of the Dockerfile, with what each copies from the checkout. */
function stagesOf(text: string): Map<string, { from: string; copies: string[] }> {
  const stages = new Map<string, { from: string; copies: string[] }>();
  let current = '';
  for (const line of text.split('\n')) {
    const [, from, name] = /^FROM (\S+) AS (\S+)$/.exec(line) ?? [];
    if (from !== undefined && name !== undefined) stages.set((current = name), { from, copies: [] });
    const copied = /^COPY (.+) \S+$/.exec(line)?.[1];
    if (copied !== undefined) stages.get(current)?.copies.push(...copied.split(' '));
  }
  return stages;
}
const stages = stagesOf(read('Dockerfile'));

describe('the manifests', () => {
  it.each(manifests.filter(({ kind }) => kind !== 'TestRun').map((manifest) => [manifest.kind, manifest.metadata.name, manifest] as const))(
    '%s %s is valid by the published schema',
    (kind, _name, manifest) => {
      const Model = models[kind] ?? expect.fail(`${kind} is not checked`);
      new Model(manifest as never).validate();
    },
  );

  it('would not be valid with a field of the wrong type', () => {
    const wrong = structuredClone(find('Job', 'sora-load')) as unknown as { spec: { completions: unknown } };
    wrong.spec.completions = 'four';
    expect(() => new Job(wrong as never).validate()).toThrow(/completions/);
  });

  it.each(jobs.map((job) => [job.metadata.name, job] as const))('%s runs without rights it does not need, within limits', (_name, job) => {
    const pod = podOf(job);
    expect(pod.automountServiceAccountToken).toBe(false);
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } });
    expect(job.spec).toMatchObject({ backoffLimit: 0, activeDeadlineSeconds: expect.any(Number) as number });
    for (const container of containersOf(job)) {
      expect(container.securityContext).toEqual(confined);
      expect(container.resources).toMatchObject({ requests: { cpu: expect.any(String) as string, memory: expect.any(String) as string }, limits: { memory: expect.any(String) as string } });
    }
  });

  it('name only volumes, claims and keys that are there', () => {
    for (const job of jobs) {
      const { volumes } = podOf(job);
      for (const { persistentVolumeClaim, configMap } of volumes) {
        if (persistentVolumeClaim !== undefined) find('PersistentVolumeClaim', persistentVolumeClaim.claimName);
        if (configMap !== undefined) find('ConfigMap', configMap.name);
      }
      for (const container of containersOf(job)) {
        for (const { name } of container.volumeMounts ?? []) expect(volumes.map((volume) => volume.name)).toContain(name);
        for (const { valueFrom } of container.env ?? []) {
          const reference = valueFrom?.configMapKeyRef;
          if (reference !== undefined) expect(Object.keys(find('ConfigMap', reference.name).data ?? {})).toContain(reference.key);
        }
      }
    }
  });

  it('name images of the Dockerfile beside them, in this version', () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    const k6 = (find('TestRun', 'sora-k6').spec as unknown as { runner: { image: string } }).runner.image;
    for (const image of [...jobs.flatMap((job) => containersOf(job).map((container) => container.image)), k6]) {
      const [, stage = '', tag] = /^sora-(.+):(.+)$/.exec(image) ?? [];
      expect([image, stages.has(stage), tag]).toEqual([image, true, version]);
      expect(read('Dockerfile')).toContain(`--target ${stage} -t ${image} .`);
    }
    for (const { copies } of stages.values()) for (const path of copies) expect([path, existsSync(join(root, path))]).toEqual([path, true]);
  });
});

describe('the image of the harness', () => {
  /** Every file that an entry imports, and every package, types aside. */
  function closureOf(entries: readonly string[]): { files: Set<string>; packages: Set<string> } {
    const [files, packages, open] = [new Set<string>(), new Set<string>(), [...entries]];
    for (let path = open.pop(); path !== undefined; path = open.pop()) {
      if (files.has(path)) continue;
      files.add(path);
      const text = readFileSync(path, 'utf8').replaceAll(/^(import|export) type [^;]*;/gm, '');
      for (const [, early = '', late = ''] of text.matchAll(/(?:^|\n)(?:import|export)\b[^;]*?from '([^']+)'|\bimport\('([^']+)'\)/g)) {
        const name = early === '' ? late : early;
        if (name.startsWith('.')) open.push(join(dirname(path), name));
        else if (name !== '' && !name.startsWith('node:')) packages.add(name.split('/').slice(0, name.startsWith('@') ? 2 : 1).join('/'));
      }
    }
    return { files, packages };
  }
  const { files, packages } = closureOf(['loadtests/main.ts', 'loadtests/swarm/worker-main.ts', 'loadtests/scenarios/hello.ts', 'loadtests/scenarios/launch-mix.ts'].map((path) => join(root, path)));

  it('has every file that a run and a merge import', () => {
    expect(files.size).toBeGreaterThan(100);
    const copied = stages.get('harness')?.copies.map((path) => join(root, path)) ?? [];
    for (const file of files) expect([file, copied.some((path) => file === path || file.startsWith(`${path}/`))]).toEqual([file, true]);
  });

  it('installs every package that they import, without those for development', () => {
    const { name: ownName, dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { name: string; dependencies: Record<string, string> };
    expect([...packages].filter((name) => name !== ownName && !Object.hasOwn(dependencies, name))).toEqual([]);
    expect(packages).toContain('snappyjs');
  });
});

describe('the shares', () => {
  const job = find('Job', 'sora-load');
  const [share] = podOf(job).containers;
  const script = share?.args?.[0] ?? '';
  const { data = {} } = find('ConfigMap', 'sora-load-run');

  it('are as many as the Job completes, all at once, and the merge waits for as many', () => {
    const count = Number(envOf(share!, 'SHARES'));
    expect(job.spec).toMatchObject({ completionMode: 'Indexed', completions: count, parallelism: count });
    expect(containersOf(find('Job', 'sora-load-merge')).map((container) => envOf(container, 'SHARES'))).toEqual([String(count), String(count)]);
    expect(parsePartition(`0/${count}`)).toEqual({ index: 0, count });
  });

  it('are called with flags, a scenario and values that exist', () => {
    expect(existsSync(join(root, 'loadtests/scenarios/hello.ts'))).toBe(true);
    expect(script).toContain('node loadtests/main.ts run hello ');
    for (const [, flag] of script.matchAll(/ --([a-z-]+)/g)) expect(Object.keys(runFlags)).toContain(flag);
    for (const [, name] of script.matchAll(/"\$([A-Z_]+)/g)) expect(share?.env?.map((each) => each.name)).toContain(name);
    expect(parseRunId(data['run-id'] ?? '')).toBe('friday-1');
    expect(parseStartAt(data['start-at'] ?? '')).toBeGreaterThan(0);
    const config = find('ConfigMap', 'sora-load-config').data?.['sora.config.ts'] ?? '';
    expect(config).toContain(`'${new URL(data['target'] ?? '').hostname}'`);
    expect(share?.volumeMounts?.find(({ subPath }) => subPath !== undefined)?.mountPath).toBe('/app/sora.config.ts');
  });

  /** Runs a container's script with a `node` that notes its arguments, does some work and ends with a code. */
  function runScript(text: string, code: number, given: Readonly<Record<string, string>>, work = ''): { status: number | null; called: string } {
    const node = join(scratch, 'node');
    writeFileSync(node, `#!/bin/sh\necho "$*" > "${scratch}/called"\n${work}\nexit ${code}\n`);
    chmodSync(node, 0o755);
    const { status } = spawnSync('sh', ['-c', text], { env: { ...given, PATH: `${scratch}:/usr/bin:/bin` }, encoding: 'utf8', timeout: 20_000 });
    return { status, called: readFileSync(join(scratch, 'called'), 'utf8').trim() };
  }
  const homeOf = (index: number): string => join(scratch, `results/friday-1/share-${index}`);
  const env = {
    TARGET: 'http://x', USERS: '10', DURATION: '5m', RUN_ID: 'friday-1', START_AT: '2030-01-31T14:23:05Z', SHARE_INDEX: '3', SHARES: '4', SORA_HOME: homeOf(3),
  };
  const inScratch = (text: string): string => text.replaceAll('/var/lib/sora', join(scratch, 'results'));
  const [wait] = podOf(find('Job', 'sora-load-merge')).initContainers ?? [];
  const waitFor = (shares: string): { status: number | null; stderr: string } =>
    spawnSync('sh', ['-c', inScratch(wait?.args?.[0] ?? '')], { env: { PATH: '/usr/bin:/bin', RUN_ID: 'friday-1', SHARES: shares }, encoding: 'utf8', timeout: 10_000 });
  afterEach(() => rmSync(join(scratch, 'results'), { recursive: true, force: true }));

  it.each([[98, 0], [0, 0], [99, 99], [104, 104], [105, 105]])('that end with %d end their pod with %d', (code, status) => {
    const ended = runScript(script, code, env);
    expect(ended.status).toBe(status);
    expect(ended.called).toBe('loadtests/main.ts run hello --quiet --target http://x --users 10 --duration 5m --run-id friday-1 --start-at 2030-01-31T14:23:05Z --partition 3/4');
  });

  it('that end without a result end the wait of the merge, which names them, until they run again', () => {
    expect(runScript(script, 104, env).status).toBe(104);
    const { status, stderr } = waitFor('4');
    expect([status, stderr]).toEqual([1, expect.stringContaining('share-3 ended with 104 and left nothing to merge')]);
    // It has taken its mark away by the time it loads anything.
    expect(runScript(script, 98, env, `[ ! -e "$SORA_HOME/ended" ] && mkdir -p "$SORA_HOME/runs/friday-1.share-3-of-4" && touch "$SORA_HOME/runs/friday-1.share-3-of-4/share.json"`).status).toBe(0);
    expect(existsSync(join(homeOf(3), 'ended'))).toBe(false);
    expect(waitFor('1')).toMatchObject({ status: 0 });
  });

  it('that end with a result leave no mark, whatever their verdict', () => {
    expect(runScript(script, 105, env, `mkdir -p "$SORA_HOME/runs/friday-1.share-3-of-4"; touch "$SORA_HOME/runs/friday-1.share-3-of-4/share.json"`).status).toBe(105);
    expect(waitFor('1')).toMatchObject({ status: 0 });
  });

  it('stop at the signal that ends a pod, and are waited for', async () => {
    const node = join(scratch, 'node');
    writeFileSync(node, `#!/bin/sh\ntrap 'touch "${scratch}/stopped"; exit 98' TERM\necho ready\nwhile :; do sleep 0.05; done\n`);
    chmodSync(node, 0o755);
    const pod = spawn('sh', ['-c', script], { env: { ...env, PATH: `${scratch}:/usr/bin:/bin` }, stdio: ['ignore', 'pipe', 'ignore'], detached: true });
    try {
      const ended = once(pod, 'exit');
      await once(pod.stdout, 'data');
      pod.kill('SIGTERM');
      expect(await ended).toEqual([0, null]);
      expect(existsSync(join(scratch, 'stopped'))).toBe(true);
    } finally {
      // The group, so that nothing stays when the shell has left its child behind.
      spawnSync('kill', ['-KILL', '--', `-${pod.pid}`]);
    }
  });

  it('are found by the merge in the folders they write to', () => {
    const [merge] = podOf(find('Job', 'sora-load-merge')).containers;
    const home = envOf(share!, 'SORA_HOME')?.replace('$(RUN_ID)', 'friday-1').replace('$(SHARE_INDEX)', '3');
    expect(home).toBe('/var/lib/sora/friday-1/share-3');
    const paths = [0, 1].map((index) => join(scratch, `results/friday-1/share-${index}/runs/friday-1.share-${index}-of-4/share.json`));
    for (const path of paths) {
      spawnSync('mkdir', ['-p', dirname(path)]);
      writeFileSync(path, '{}');
      spawnSync('ln', ['-sfn', dirname(path), join(dirname(path), '../latest')]);
    }
    expect(runScript(inScratch(merge?.args?.[0] ?? ''), 0, { RUN_ID: 'friday-1' }).called).toBe(`loadtests/main.ts merge ${paths.join(' ')}`);
    expect(waitFor('2')).toMatchObject({ status: 0 });
  });
});

/** The fields of a TestRun as api/v1alpha1/testrun_types.go of github.com/grafana/k6-operator names them (read November 2026). */
const podShape = z.strictObject({
  image: z.string().optional(), automountServiceAccountToken: z.enum(['true', 'false']), env: z.array(z.unknown()).optional(), resources: z.looseObject({}),
  securityContext: z.looseObject({}), containerSecurityContext: z.looseObject({}), volumes: z.array(z.unknown()).optional(), volumeMounts: z.array(z.unknown()).optional(),
});
const testRunShape = z.strictObject({
  apiVersion: z.literal('k6.io/v1alpha1'), kind: z.literal('TestRun'), metadata: z.strictObject({ name: z.string() }),
  spec: z.strictObject({
    parallelism: z.int().min(1), separate: z.boolean(), cleanup: z.literal('post'), script: z.strictObject({ configMap: z.strictObject({ name: z.string(), file: z.string().regex(/\.(js|tar)$/) }) }),
    runner: podShape, starter: podShape,
  }),
});

describe('the TestRun', () => {
  const manifest = find('TestRun', 'sora-k6');
  const { spec } = testRunShape.parse(manifest);

  it('has the operator’s fields, and in its pods those of Kubernetes', () => {
    for (const pod of [spec.runner, spec.starter]) {
      new ResourceRequirements(pod.resources as never).validate();
      new PodSecurityContext(pod.securityContext as never).validate();
      new SecurityContext(pod.containerSecurityContext as never).validate();
      for (const each of pod.env ?? []) new EnvVar(each as never).validate();
      for (const each of pod.volumes ?? []) new Volume(each as never).validate();
      for (const each of pod.volumeMounts ?? []) new VolumeMount(each as never).validate();
      expect(pod.automountServiceAccountToken).toBe('false');
      expect(pod.securityContext).toMatchObject({ runAsNonRoot: true });
      expect(pod.containerSecurityContext).toEqual(confined);
    }
  });

  it('runs a suite that is there, in the k6 that the project pins, with names that the suites read', () => {
    const { data = {} } = find('ConfigMap', spec.script.configMap.name);
    const entry = data[spec.script.configMap.file] ?? expect.fail('the ConfigMap has no such key');
    const path = /from '\/suite\/([^']+)'/.exec(entry)?.[1] ?? '';
    expect(existsSync(join(root, path))).toBe(true);
    const suite = readFileSync(join(root, path), 'utf8');
    for (const name of /\{([^}]+)\}/.exec(entry)?.[1]?.split(',') ?? []) expect(suite).toMatch(new RegExp(`export .*\\b${name.trim()}\\b`));
    const pinned = /go\.k6\.io\/k6\/v2 v(\S+)/.exec(readFileSync(join(root, 'loadtests/k6/go.mod'), 'utf8'))?.[1];
    expect(stages.get('k6')?.from).toBe(`grafana/k6:${pinned}`);
    const settings = readFileSync(join(root, 'loadtests/k6/suite/settings.ts'), 'utf8');
    for (const { name } of (spec.runner.env ?? []) as { name: string }[]) if (name.startsWith('SORA_')) expect(settings).toContain(`'${name}'`);
  });

  const k6 = join(root, `.sora/tools/k6-v${stages.get('k6')?.from.split(':')[1]}`);
  it.skipIf(!existsSync(k6))('is understood by k6 from the image’s folders alone (skipped: no k6 in .sora/tools; sora load k6 builds it)', () => {
    const suiteRoot = join(scratch, 'suite');
    for (const path of stages.get('k6')?.copies ?? []) {
      spawnSync('mkdir', ['-p', dirname(join(suiteRoot, path))]);
      spawnSync('cp', ['-r', join(root, path), dirname(join(suiteRoot, path))]);
    }
    const entry = join(scratch, 'suite.js');
    writeFileSync(entry, (find('ConfigMap', 'sora-k6-suite').data?.['suite.js'] ?? '').replace('/suite/', `${suiteRoot}/`));
    const { status, stdout, stderr } = spawnSync(k6, ['inspect', entry], { encoding: 'utf8', timeout: 25_000, env: { PATH: '/usr/bin:/bin', HOME: scratch } });
    expect([stderr, status]).toEqual(['', 0]);
    expect(Object.keys((JSON.parse(stdout) as { scenarios: object }).scenarios)).toContain('mix');
  });

  const crdText = readCrd();
  it.skipIf(crdText === undefined)('is valid by the operator’s own schema (skipped: the Go module of the k6 operator cannot be had; SORA_K6_OPERATOR_CRD may name its CRD)', () => {
    const validate = new Ajv({ strict: false, allErrors: true, validateFormats: false }).compile(strictSchema(crdText ?? ''));
    validate(manifest);
    expect(validate.errors ?? []).toEqual([]);
    expect(validate({ ...manifest, spec: { ...manifest.spec, paralelism: 2 } })).toBe(false);
  });
});

/** The CRD from a given file, or from the operator's Go module where Go is there and a proxy has it. */
function readCrd(): string | undefined {
  const given = process.env['SORA_K6_OPERATOR_CRD'];
  if (given !== undefined && given !== '') return readFileSync(given, 'utf8');
  const { status, stdout } = spawnSync('go', ['mod', 'download', '-json', 'github.com/grafana/k6-operator@v1.0.0'], { cwd: scratch, encoding: 'utf8', timeout: 20_000 });
  if (status !== 0) return undefined;
  const { Dir } = JSON.parse(stdout) as { Dir?: string };
  return Dir === undefined ? undefined : readFileSync(join(Dir, 'config/crd/bases/k6.io_testruns.yaml'), 'utf8');
}

/** The schema of the CRD, in which a field that it does not name is an error, as for kubectl. */
function strictSchema(text: string): object {
  const [crd] = parseAllDocuments(text).map((document) => document.toJS() as { spec: { versions: { name: string; schema: { openAPIV3Schema: object } }[] } });
  const found = crd?.spec.versions.find(({ name }) => name === 'v1alpha1')?.schema.openAPIV3Schema ?? expect.fail('the CRD has no v1alpha1');
  const close = (node: unknown): unknown => {
    if (Array.isArray(node)) return node.map(close);
    if (typeof node !== 'object' || node === null) return node;
    const closed = Object.fromEntries(Object.entries(node).map(([name, part]) => [name, close(part)]));
    if ('x-kubernetes-int-or-string' in closed) return { anyOf: [{ type: 'integer' }, { type: 'string' }] };
    return 'properties' in closed && typeof closed['properties'] === 'object' && !('additionalProperties' in closed) ? { ...closed, additionalProperties: false } : closed;
  };
  return close(found) as object;
}
