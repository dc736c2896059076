import { totalmem } from 'node:os';

export interface PostgresSettings {
  readonly port: number;
  readonly socketFolder: string;
  readonly logFolder: string;
  /** Shown in the title of every process of the cluster; lower-case letters, digits and `-`. */
  readonly clusterName: string;
  /** Off only for databases that live as long as one test run. Default true. */
  readonly durable: boolean;
  /** `small` for a database that few connections write little to. Default `whole`. */
  readonly size?: 'whole' | 'small';
  /** Memory of the machine. Default: what the system says. */
  readonly memoryBytes?: number;
}

const mebibyte = 1_048_576;
/**
 * A sixth of memory: 4 GB on the 24 GB machine that the published figures come from. The data of a million users is several
 * times the 1 GB that was there before. A small database does not touch what it does not need.
 */
const sharedBuffersShare = 1 / 6;

/** The control plane keeps what it works with in its own memory; its database holds what must survive. */
const smallBuffersMb = 64;

/**
 * Writes postgresql.conf. What makes commits durable (fsync, synchronous_commit, full_page_writes)
 * stays as PostgreSQL ships it unless `durable` is false.
 */
export function renderSettings(settings: PostgresSettings): string {
  const memoryMb = (settings.memoryBytes ?? totalmem()) / mebibyte;
  const isSmall = settings.size === 'small';
  const sharedMb = isSmall ? smallBuffersMb : Math.round(Math.min(4_096, Math.max(128, memoryMb * sharedBuffersShare)));
  const values: Record<string, string | number> = {
    listen_addresses: "'127.0.0.1'",
    port: settings.port,
    unix_socket_directories: quote(settings.socketFolder),
    unix_socket_permissions: '0700',
    cluster_name: quote(settings.clusterName),
    max_connections: isSmall ? 30 : 100,
    password_encryption: "'scram-sha-256'",
    shared_buffers: `${settings.durable ? sharedMb : 64}MB`,
    effective_cache_size: `${Math.round(memoryMb / 2)}MB`,
    work_mem: '8MB',
    maintenance_work_mem: isSmall ? '32MB' : '128MB',
    max_wal_size: isSmall ? '512MB' : '4GB',
    min_wal_size: isSmall ? '80MB' : '256MB',
    checkpoint_completion_target: 0.9,
    jit: 'off',
    autovacuum: 'on',
    random_page_cost: 1.1,
    timezone: "'UTC'",
    log_timezone: "'UTC'",
    lc_messages: "'C'",
    logging_collector: settings.durable ? 'on' : 'off',
    log_directory: quote(settings.logFolder),
    // One file a weekday, written over a week later: that bounds the logs.
    log_filename: "'postgres-%a.log'",
    log_rotation_age: '1d',
    log_rotation_size: 0,
    log_truncate_on_rotation: 'on',
    log_min_duration_statement: '1s',
    log_parameter_max_length: 0,
    log_parameter_max_length_on_error: 0,
    log_line_prefix: "'%m [%p] %d %a '",
    log_checkpoints: 'on',
    log_lock_waits: 'on',
  };
  if (!settings.durable) Object.assign(values, { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' });
  const lines = Object.entries(values).map(([name, value]) => `${name} = ${value}`);
  return `# Written at every start; put your own settings in local.conf beside this file.\n${lines.join('\n')}\ninclude_if_exists = 'local.conf'\n`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
