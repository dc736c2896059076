/** `1,000,000`, or `unlimited`. */
export function formatCount(count: number): string {
  return Number.isFinite(count) ? Math.floor(count).toLocaleString('en-GB') : 'unlimited';
}

/** `14.2 GB`. */
export function formatGb(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
