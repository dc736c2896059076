import { dirname } from 'node:path';
import type { Files } from '../../ops/core/host.ts';
import { loadFeeders } from './feeder.ts';
import { importScenario } from './import-scenario.ts';
import { scenarioError } from './journeys.ts';
import type { Scenario } from './scenario.ts';
import { findFaults } from './scenario-shape.ts';

/**
 * Imports a scenario file, checks its shape and reads its feeders' files.
 * @param file absolute path
 * @param files where feeders' files are read; without it feeders stay unread, and say so when they are asked
 * @throws SoraError `scenario_error` (exit 107) when it does not load or is no scenario, `invalid_config` (104) on a feeder's file
 */
export async function loadScenario(file: string, files?: Files): Promise<Scenario<never>> {
  const found = await importScenario(file);
  const faults = findFaults(found);
  if (faults.length > 0) throw scenarioError(`${file} is no scenario: ${faults.join('; ')}`);
  if (files !== undefined) await loadFeeders(files, dirname(file));
  return found as Scenario<never>;
}
