/** The last drill of each rule, as `npm run drill:alerts` wrote it down: drills run on a stack of their own, whose event log goes with it. */
import { join } from 'node:path';
import { z } from 'zod';
import { SoraError, exitCodes } from '../../core/error.ts';
import type { Files } from '../../core/host.ts';

/** From the checkout's folder. */
export const drillsFile = 'alerts/drills.json';

const schema = z.object({ alerts: z.array(z.object({ alert: z.string(), atMs: z.int().min(0).max(8_640_000_000_000_000), commit: z.string(), problem: z.string().optional() })) });

export interface RuleDrill {
  /** Name of the rule. */
  readonly alert: string;
  readonly atMs: number;
  /** What was drilled. */
  readonly commit: string;
  /** What did not hold; undefined where all did. */
  readonly problem?: string | undefined;
}

/**
 * None where nothing was drilled yet.
 * @param root folder of the checkout
 * @throws SoraError `bad_drills` (104) where the file is not what the drill writes
 */
export function readDrills(files: Files, root: string): readonly RuleDrill[] {
  const path = join(root, drillsFile);
  if (!files.exists(path)) return [];
  try {
    return schema.parse(JSON.parse(files.readText(path))).alerts;
  } catch (error) {
    throw new SoraError('bad_drills', `${drillsFile} cannot be read`, { exitCode: exitCodes.invalidConfig, cause: error, hint: 'npm run drill:alerts writes it; git checkout brings back the last one' });
  }
}
