import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import type { Prices } from '../../ops/core/config.ts';
import { invalidConfig, messageOf } from '../../ops/core/error.ts';
import type { Host } from '../../ops/core/host.ts';
import type { RunFacts } from '../report/summary.ts';
import { withoutSecrets } from '../report/without-secrets.ts';
import type { RunMeasurement } from '../swarm/measurement.ts';
import type { Partition } from '../swarm/partition.ts';
import { pack, unpack } from './packing.ts';
import type { ShareSecond } from './seconds.ts';

/** What a share knows besides its measurement, so that the merged run can be judged and told as a whole. */
export interface ShareFacts extends Pick<
  RunFacts,
  'description' | 'scenarioSha256' | 'note' | 'gitSha' | 'version' | 'host' | 'thinkTime' | 'arrival' | 'thresholds' | 'validity' | 'processes' | 'machine' | 'resources' | 'generator'
> {
  /** The price list of its machine; absent where none is configured. */
  readonly prices?: Prices | undefined;
}

/** The result of one share of a run, whole: nothing in it is rounded or sampled, and its file leaves out only secrets. */
export interface Share {
  readonly partition: Partition;
  /** Users of all shares together. */
  readonly usersTotal: number;
  /** Hash of the plan of the whole run: who arrives when, and what they do at which pace. */
  readonly planSha256: string;
  readonly facts: ShareFacts;
  readonly measurement: RunMeasurement;
  /** The series with its histograms; `measurement.series` has their quantiles. */
  readonly seconds: readonly ShareSecond[];
}

const schema = 'sora.share/v1';
/** A file at most; a million users and 10 minutes need about 20 MB. */
const fileMaxBytes = 400e6;

const envelope = z.object({
  schema: z.literal(schema, `must be ${schema}`),
  /** Of the body as JSON text: tells a damaged file from a sound one. */
  sha256: z.string().length(64),
  body: z.looseObject({
    partition: z.object({ index: z.int().min(0), count: z.int().min(1) }),
    usersTotal: z.int().min(1),
    planSha256: z.string().length(64),
    facts: z.looseObject({ version: z.string(), thresholds: z.array(z.looseObject({ expression: z.string() })) }),
    measurement: z.looseObject({
      runId: z.string(), seed: z.number(), users: z.int().min(0), startedAtMs: z.number(),
      // An earlier form of tags knew no operation, and has not what the merge adds up.
      tags: z.array(z.looseObject({ op: z.string('was written by an earlier form of the program') })).optional(),
    }),
    seconds: z.array(z.looseObject({ second: z.int().min(0) })),
  }),
});

/** Writes a share down, without secrets. Reading it answers one that is equal but for these. */
export function encodeShare(share: Share): string {
  const body = JSON.stringify(pack({ ...share, measurement: withoutSecrets(share.measurement) }));
  return `{"schema":"${schema}","sha256":"${hashOf(body)}","body":${body}}\n`;
}

/**
 * Reads a share from a file, or from the folder of the run that wrote it.
 * @throws SoraError `invalid_config` that names the file and what is wrong with it
 */
export function readShare(host: Host, place: string): Share {
  const within = join(place, 'share.json');
  const path = host.files.exists(within) ? within : place;
  if (!host.files.exists(path)) throw invalidConfig(`there is no share ${path}`, 'a run with --partition writes share.json into its folder');
  if (host.files.ownership(path)?.kind === 'folder') throw invalidConfig(`there is no share.json in ${path}`, 'a run with --partition writes it; a whole run has none and needs no merge');
  const sizeBytes = host.files.sizeBytes(path);
  if (sizeBytes > fileMaxBytes) throw invalidConfig(`${path} has ${sizeBytes} bytes, the limit is ${fileMaxBytes}`, 'run it with more and smaller shares');
  try {
    return decodeShare(host.files.readText(path));
  } catch (error) {
    throw invalidConfig(`${path} is no share that can be read: ${messageOf(error)}`, 'copy it again from where it was written, or run the share again', error);
  }
}

/** @throws Error on text that `encodeShare` did not write */
export function decodeShare(text: string): Share {
  const parsed: unknown = JSON.parse(text);
  const found = envelope.safeParse(parsed);
  if (!found.success) throw new Error(found.error.issues.map((issue) => `${issue.path.join('.') || 'it'}: ${issue.message}`).slice(0, 3).join('; '));
  const { body } = parsed as { body: unknown };
  if (hashOf(JSON.stringify(body)) !== found.data.sha256) throw new Error('its checksum is wrong');
  // The checksum says that this is what encodeShare wrote, and the merge takes only shares of one version.
  return unpack(body) as Share;
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
