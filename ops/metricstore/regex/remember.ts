/**
 * Keeps what `make` made of the last `max` patterns asked for; above, the one longest unused goes. What throws is not
 * kept, and throws again.
 */
export function rememberPatterns<Result>(max: number, make: (pattern: string) => Result): (pattern: string) => Result {
  const kept = new Map<string, { readonly result: Result }>();
  return (pattern) => {
    const known = kept.get(pattern);
    // Put in again at the end, so that the first is always the one longest unused.
    kept.delete(pattern);
    const entry = known ?? { result: make(pattern) };
    if (kept.size >= max) {
      const [oldest] = kept.keys();
      if (oldest !== undefined) kept.delete(oldest);
    }
    kept.set(pattern, entry);
    return entry.result;
  };
}
