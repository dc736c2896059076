const units = [['y', 31_536_000_000], ['w', 604_800_000], ['d', 86_400_000], ['h', 3_600_000], ['m', 60_000], ['s', 1_000], ['ms', 1]] as const;

/** A duration as Prometheus writes it: `1h30m`, `5s`; years, weeks and days only where nothing is left over. */
export function formatPromDuration(durationMs: number): string {
  if (durationMs === 0) return '0s';
  let restMs = Math.round(durationMs);
  let text = '';
  for (const [unit, unitMs] of units) {
    const isWhole = unitMs < 86_400_000 || restMs % unitMs === 0;
    const count = isWhole ? Math.floor(restMs / unitMs) : 0;
    if (count > 0) text += `${count}${unit}`;
    restMs -= count * unitMs;
  }
  return text;
}
