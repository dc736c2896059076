import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createNodeHost } from '../core/node-host.ts';
import { claimFolder, placeCluster, placeSockets, reachableBy } from './embedded-postgres-place.ts';
import { renderSettings } from './embedded-postgres-settings.ts';

const host = createNodeHost();
const other = { uid: 65_534, gid: 65_534, switched: true };
const ourselves = { uid: undefined, gid: undefined, switched: false };
let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sora-place-'));
  chmodSync(folder, 0o755);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('reachableBy', () => {
  test('needs the right to enter every folder above', () => {
    const home = join(folder, 'home');
    const inside = join(home, 'checkout/inside');
    mkdirSync(inside, { recursive: true });
    expect(reachableBy(host, other, inside)).toBe(true);
    chmodSync(home, 0o700);
    expect(reachableBy(host, other, inside)).toBe(false);
    expect(reachableBy(host, ourselves, inside)).toBe(true);
    chmodSync(home, 0o711);
    expect(reachableBy(host, other, inside)).toBe(true);
    expect(reachableBy(host, other, home)).toBe(false);
    expect(reachableBy(host, other, home, 0o1)).toBe(true);
  });
});

describe('placeCluster', () => {
  test('stays in the checkout where it can', () => {
    const wanted = join(folder, '.sora/pg/main');
    expect(placeCluster(host, other, wanted)).toBe(wanted);
    expect(placeCluster(host, ourselves, wanted)).toBe(wanted);
  });

  test('below a 0700 home it moves to /var/tmp, finds that place again, and forgets it with its pointer', () => {
    chmodSync(folder, 0o700);
    const wanted = join(folder, '.sora/pg/main');
    const moved = placeCluster(host, other, wanted);
    try {
      expect(moved).toMatch(/^\/var\/tmp\/sora-[0-9a-f]{12}-[0-9a-f]{6}$/);
      expect(reachableBy(host, other, moved, 0o1)).toBe(true);
      expect(placeCluster(host, other, wanted)).toBe(moved);
      expect(readFileSync(join(wanted, 'MOVED_TO'), 'utf8').trim()).toBe(moved);
      rmSync(wanted, { recursive: true });
      const next = placeCluster(host, other, wanted);
      expect(next).not.toBe(moved);
      rmSync(next, { recursive: true });
    } finally {
      rmSync(moved, { recursive: true });
    }
  });
});

test('claimFolder refuses what somebody planted at its path', () => {
  const target = join(folder, 'target');
  mkdirSync(target);
  symlinkSync(target, join(folder, 'link'));
  expect(() => claimFolder(host, join(folder, 'link'), 0o700)).toThrow('link');
  writeFileSync(join(folder, 'file'), '');
  expect(() => claimFolder(host, join(folder, 'file'), 0o700)).toThrow('is not a folder');
  claimFolder(host, join(folder, 'deep/own'), 0o700);
  expect([host.files.ownership(join(folder, 'deep'))?.mode, host.files.ownership(join(folder, 'deep/own'))?.mode]).toEqual([0o755, 0o700]);
});

test('a socket folder is short enough for a socket address, wherever the checkout lies', () => {
  expect(placeSockets(host, '/short/.sora/pg/main')).toBe('/short/.sora/pg/main/socket');
  const far = placeSockets(host, `/${'very-long-name/'.repeat(8)}`);
  expect(Buffer.byteLength(`${far}/.s.PGSQL.54320`)).toBeLessThan(104);
  expect(far).not.toBe(placeSockets(host, `/${'very-long-name/'.repeat(9)}`));
});

test('commits stay durable unless the cluster is thrown away, and memory follows the machine', () => {
  const settings = { port: 5_432, socketFolder: "/it's/here", logFolder: '/log', clusterName: 'sora-1', durable: true, memoryBytes: 24 * 1_024 ** 3 };
  const durable = renderSettings(settings);
  expect(durable).not.toMatch(/^(fsync|synchronous_commit|full_page_writes)/m);
  expect(durable).toContain('shared_buffers = 4096MB');
  expect(durable).toContain("unix_socket_directories = '/it''s/here'");
  expect(renderSettings({ ...settings, durable: false })).toContain('fsync = off');
  expect(renderSettings({ ...settings, memoryBytes: 1_024 ** 3 })).toContain('shared_buffers = 171MB');
});
