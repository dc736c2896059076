import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { invalidConfig } from '../core/error.ts';
import type { Host } from '../core/host.ts';
import { findPostgresBinaries } from './embedded-postgres-binaries.ts';
import { chooseServerUser, claimFolder, placeCluster, placeSockets, shortHash } from './embedded-postgres-place.ts';
import type { ServerUser } from './embedded-postgres-place.ts';
import { renderSettings } from './embedded-postgres-settings.ts';
import { clearStaleLock } from './embedded-postgres-lock.ts';

export interface ClusterOptions {
  /** Folder of the cluster, such as `.sora/pg/main`. */
  readonly folder: string;
  readonly port: number;
  /** See PostgresSettings. Default true. */
  readonly durable?: boolean;
  /** See PostgresSettings. Default `whole`. */
  readonly size?: 'whole' | 'small';
}

/** A database cluster on disk, ready to be started. */
export interface Cluster {
  readonly command: string;
  readonly args: readonly string[];
  readonly user: ServerUser;
  readonly dataFolder: string;
  readonly clusterName: string;
  readonly port: number;
  /** Over the Unix socket, which costs less CPU than TCP. */
  url(database: string): string;
  /** Over TCP on 127.0.0.1. */
  tcpUrl(database: string): string;
}

/** Superuser of the cluster and owner of its databases. */
const role = 'sora';

/**
 * Makes a cluster where none is (0.7 s) and writes its settings; an existing one keeps its data.
 * As root the server gets another uid, its own folders and nothing else.
 */
export function prepareCluster(host: Host, options: ClusterOptions): Cluster {
  const user = chooseServerUser(host);
  const folder = placeCluster(host, user, options.folder);
  const binaries = findPostgresBinaries(host, user, folder);
  const dataFolder = join(folder, 'data');
  const socketFolder = placeSockets(host, folder);
  const logFolder = join(folder, 'log');
  for (const path of [socketFolder, logFolder]) lendFolder(host, user, path);
  const durable = options.durable ?? true;
  const password = keepPassword(host, join(folder, 'password'));
  if (!host.files.exists(join(folder, 'initialised'))) {
    initialise(host, { initdb: binaries.initdb, user, folder, dataFolder, password, durable });
  }
  const clusterName = `sora-${shortHash(folder)}`;
  const config = join(folder, 'postgresql.conf');
  host.files.writeText(config, renderSettings({ port: options.port, socketFolder, logFolder, clusterName, durable, size: options.size ?? 'whole' }), 0o644);
  const credentials = `${role}:${password}`;
  return {
    command: binaries.postgres,
    args: ['-D', dataFolder, '-c', `config_file=${config}`],
    user,
    dataFolder,
    clusterName,
    port: options.port,
    url: (database) => `postgres://${credentials}@localhost:${options.port}/${database}?host=${encodeURIComponent(socketFolder)}`,
    tcpUrl: (database) => `postgres://${credentials}@127.0.0.1:${options.port}/${database}`,
  };
}

/** Starts the server; the caller waits for readiness and watches for its exit. */
export async function startCluster(host: Host, cluster: Cluster, output: number | 'ignore' | 'pipe'): Promise<ChildProcess> {
  await clearStaleLock(host, cluster);
  return spawn(cluster.command, cluster.args, {
    ...identity(cluster.user),
    cwd: '/',
    // Own process group: a Ctrl-C at the terminal must not reach it before those who use it.
    detached: true,
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
    stdio: ['ignore', output, output],
  });
}

interface NewCluster {
  readonly initdb: string;
  readonly user: ServerUser;
  readonly folder: string;
  readonly dataFolder: string;
  readonly password: string;
  readonly durable: boolean;
}

function initialise(host: Host, cluster: NewCluster): void {
  // What an interrupted initdb left is worth nothing: the marker is written last.
  host.files.remove(cluster.dataFolder);
  lendFolder(host, cluster.user, cluster.dataFolder);
  const passwordFile = join(cluster.folder, 'initdb-password');
  host.files.writeText(passwordFile, cluster.password, 0o600);
  if (cluster.user.switched) lend(host, cluster.user, passwordFile);
  const args = ['-D', cluster.dataFolder, '-U', role, `--pwfile=${passwordFile}`, '--auth=scram-sha-256', '--encoding=UTF8'];
  args.push('--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C', '--data-checksums');
  if (!cluster.durable) args.push('--no-sync');
  const ran = spawnSync(cluster.initdb, args, {
    ...identity(cluster.user),
    cwd: '/',
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
    encoding: 'utf8',
  });
  host.files.remove(passwordFile);
  if (ran.status !== 0) {
    const reason = ran.error?.message ?? `${ran.stdout}${ran.stderr}`.trim().split('\n').slice(-4).join('; ');
    throw invalidConfig(`initdb failed in ${cluster.dataFolder}: ${reason}`, 'set DATABASE_URL to use another PostgreSQL', ran.error);
  }
  host.files.writeText(join(cluster.folder, 'initialised'), '');
}

function identity(user: ServerUser): { uid?: number; gid?: number } {
  return user.uid === undefined || user.gid === undefined ? {} : { uid: user.uid, gid: user.gid };
}

function lendFolder(host: Host, user: ServerUser, path: string): void {
  const owner = host.files.ownership(path);
  if (owner !== undefined && user.switched && owner.uid === user.uid && owner.kind === 'folder') return;
  claimFolder(host, path, 0o700);
  if (user.switched) lend(host, user, path);
}

function lend(host: Host, user: ServerUser, path: string): void {
  if (user.uid !== undefined && user.gid !== undefined) host.files.setOwner(path, user.uid, user.gid);
}

function keepPassword(host: Host, path: string): string {
  if (host.files.exists(path)) return host.files.readText(path).trim();
  const password = host.random.bytes(24).toString('base64url');
  host.files.writeText(path, password, 0o600);
  return password;
}
