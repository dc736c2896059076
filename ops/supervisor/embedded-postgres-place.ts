import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { dirname, join, resolve } from 'node:path';
import { invalidConfig } from '../core/error.ts';
import type { Host } from '../core/host.ts';

/** The user PostgreSQL runs as. It refuses root, so root lends it another existing uid. */
export interface ServerUser {
  /** Undefined: the user we are. */
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  /** True when it is not the user we are. */
  readonly switched: boolean;
}

/** Users that systems bring along; initdb wants one that the password file knows. */
const borrowed = ['nobody', 'daemon'];
/** What macOS gives `nobody` is negative, which not every call takes. */
const uidMax = 2_147_483_647;
/** A Unix socket address holds 104 bytes on macOS; the file name takes up to 14 of them. */
const maxSocketFolderBytes = 89;

/**
 * The user we are, or as root an unprivileged one that exists already.
 * @throws SoraError `invalid_config` where root finds none
 */
export function chooseServerUser(host: Host): ServerUser {
  if (host.process.uid !== 0) return { uid: undefined, gid: undefined, switched: false };
  for (const name of borrowed) {
    const [uid, gid] = ['-u', '-g'].map((flag) => Number(spawnSync('id', [flag, name], { encoding: 'utf8' }).stdout || Number.NaN));
    if (uid !== undefined && gid !== undefined && uid > 0 && gid > 0 && uid <= uidMax && gid <= uidMax) return { uid, gid, switched: true };
  }
  throw invalidConfig(
    `PostgreSQL does not run as root, and this machine has no user ${borrowed.join(' or ')} to lend it`,
    'run as an ordinary user, or set DATABASE_URL to use another PostgreSQL',
  );
}

/** Permission bits of one class of users. */
const enter = 0o1;
const readAndEnter = 0o5;

/**
 * Whether `user` may come to a folder, judged by owner and mode of it and all folders above.
 * @param needed what it must be allowed in the folder itself; default to read it
 */
export function reachableBy(host: Host, user: ServerUser, folder: string, needed = readAndEnter): boolean {
  if (!user.switched) return true;
  for (let path = resolve(folder); ; path = dirname(path)) {
    const found = host.files.ownership(path);
    if (found !== undefined) {
      if (found.kind === 'link') return false;
      const wanted = path === resolve(folder) ? needed : enter;
      const granted = found.uid === user.uid ? found.mode >> 6 : found.gid === user.gid ? found.mode >> 3 : found.mode;
      if ((granted & wanted) !== wanted) return false;
    }
    if (path === dirname(path)) return true;
  }
}

/**
 * Where a database cluster of this checkout lies: in `wanted`, or, when the server's user cannot
 * come there (a checkout below a 0700 home, run by root), under /var/tmp with a pointer in `wanted`.
 */
export function placeCluster(host: Host, user: ServerUser, wanted: string): string {
  const folder = resolve(wanted);
  host.files.makeFolder(folder, 0o755);
  if (reachableBy(host, user, dirname(folder), enter)) {
    claimFolder(host, folder, user.switched ? 0o711 : 0o700);
    return folder;
  }
  const pointer = join(folder, 'MOVED_TO');
  // Without the pointer, as after `rm -r .sora`, a new folder: what lies in an old one was given up.
  const moved = host.files.exists(pointer)
    ? host.files.readText(pointer).trim()
    : join('/var/tmp', `sora-${shortHash(folder)}-${host.random.bytes(3).toString('hex')}`);
  claimFolder(host, moved, 0o711);
  host.files.writeText(pointer, `${moved}\n`);
  return moved;
}

/** Makes a folder ours, refusing one that somebody else planted at a path that can be guessed. */
export function claimFolder(host: Host, folder: string, mode: number): void {
  const before = host.files.ownership(folder);
  if (before === undefined) {
    // The folders above keep their usual mode: another user's server may have to pass through them.
    host.files.makeFolder(dirname(folder));
    host.files.makeFolder(folder, mode);
  }
  const found = host.files.ownership(folder);
  if (found?.kind !== 'folder' || (host.process.uid !== undefined && found.uid !== host.process.uid)) {
    throw invalidConfig(
      `${folder} is not a folder of uid ${host.process.uid}, but ${found?.kind} of uid ${found?.uid}`,
      `remove it, or set DATABASE_URL to use another database`,
    );
  }
  host.files.setMode(folder, mode);
}

/** A folder for Unix sockets below `folder` where the address fits, else a private one in /tmp. */
export function placeSockets(host: Host, folder: string): string {
  const inside = join(folder, 'socket');
  if (Buffer.byteLength(inside) <= maxSocketFolderBytes) return inside;
  return join('/tmp', `sora-${host.process.uid ?? 0}-${shortHash(folder)}`);
}

/** Twelve hex digits that tell checkouts and clusters apart in names. */
export function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}
