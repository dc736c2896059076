import { formatBytes, formatNumber, missing } from './format.ts';
import type { ExpectedResources, Quantities, Resources } from './resources.ts';
import type { PlannedSpending } from './spent.ts';

/** `CPU 12.3 s, 45 GB·s of memory, 1.2 MB sent, 8 MB received`. */
export function quantitiesText({ cpuS, gbS, bytesSent, bytesReceived }: Quantities): string {
  return `CPU ${formatNumber(cpuS)} s, ${formatNumber(gbS)} GB·s of memory, ${formatBytes(bytesSent)} sent, ${formatBytes(bytesReceived)} received`;
}

/** Said before a run. */
export function expectedText(expected: ExpectedResources | null, scenario: string): string {
  if (expected === null) return `resources unknown: no earlier run of ${scenario} on this machine says what it uses`;
  const { money } = expected;
  const cost = money === null ? '' : `; the system's part costs ${formatMoney(money.total, money.currency)} at the prices of ${money.asOf}`;
  return `about ${quantitiesText(expected)}, as run ${expected.fromRun} used them${cost}`;
}

/** `0.0123 EUR`; small sums keep three significant figures. */
export function formatMoney(value: number | null, currency: string): string {
  if (value === null || !Number.isFinite(value)) return missing;
  return `${value >= 100 ? formatNumber(value) : String(Number(value.toPrecision(3)))} ${currency}`;
}

/** Said after a run: what it used, a million operations of it, and its price where there is a list. */
export function resourceLines(resources: Resources): string[] {
  const { used, perMillionOperations, systemMeasured, money } = resources;
  return [
    `${quantitiesText(used)}${systemMeasured ? '' : ' (the generator alone: the target is no stack of ours)'}`,
    ...(perMillionOperations === null ? [] : [`a million operations: ${quantitiesText(perMillionOperations)}`]),
    ...(money === null ? [] : [`the system cost ${formatMoney(money.total, money.currency)}, a million operations ${formatMoney(money.perMillionOperations, money.currency)}, at the prices of ${money.asOf}`]),
  ];
}

/**
 * Said before a suite or a search of several runs.
 * @param cost what the expected part of the system costs
 * @param isMost whether it is an upper bound
 */
export function foreseenText({ expected, unknown }: Pick<PlannedSpending, 'expected' | 'unknown'>, cost: PlannedSpending['money'], isMost = false): string {
  const names = unknown.join(', ');
  if (expected === null) return `resources unknown${names === '' ? '' : `: no earlier run of ${names} on this machine says what it uses`}`;
  const price = cost === null ? '' : `; the system's part costs ${formatMoney(cost.total, cost.currency)} at the prices of ${cost.asOf}`;
  return `${isMost ? 'at most about' : 'about'} ${quantitiesText(expected)} in all${price}${names === '' ? '' : `; without ${names}, of which no earlier run on this machine says what it uses`}`;
}

/** Said after it: what all runs used, and its price where there is a list. */
export function spentLines({ used, money }: PlannedSpending): string[] {
  return [
    `${formatNumber(used.runs)} ${used.runs === 1 ? 'run' : 'runs'}: ${quantitiesText(used)}${used.system === null && used.runs > 0 ? ' (the generators alone: the system was not measured)' : ''}`,
    ...(money === null ? [] : [`the system cost ${formatMoney(money.total, money.currency)}, a million operations ${formatMoney(money.perMillionOperations, money.currency)}, at the prices of ${money.asOf}`]),
  ];
}
