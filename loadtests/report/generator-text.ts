import { formatBytes, formatNumber } from './format.ts';
import type { Summary } from './summary-schema.ts';

/** `9.8 µs of CPU an operation; 1.4 GB: 310 MB fixed and 1,120 bytes for each further user`. */
export function generatorText({ cpuUsPerOperation, rssBytes, fixedBytes, bytesPerUser }: Summary['generator']): string {
  const memory = formatBytes(rssBytes);
  const cpu = `${formatNumber(cpuUsPerOperation)} µs of CPU an operation`;
  if (bytesPerUser !== null && fixedBytes !== undefined && fixedBytes !== null) {
    return `${cpu}; ${memory}: ${formatBytes(fixedBytes)} fixed (at 1,000 users) and ${formatNumber(Math.round(bytesPerUser))} bytes for each further user`;
  }
  // Written before the fixed part was told apart, or by a run whose samples do not tell it.
  if (bytesPerUser !== null) return `${cpu}; ${memory} (${formatBytes(bytesPerUser)} a user)`;
  return `${cpu}; ${memory}`;
}
