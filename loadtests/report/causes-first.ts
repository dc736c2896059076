/** An error that follows from others: what could not be sent waited behind what failed. */
const isConsequence = ({ kind }: { readonly kind: string }): boolean => kind === 'unsent';

/** Errors as they are read: causes before their consequences, each the most frequent first. */
export function causesFirst<T extends { readonly kind: string; readonly count: number }>(errors: readonly T[]): T[] {
  return errors.toSorted((a, b) => Number(isConsequence(a)) - Number(isConsequence(b)) || b.count - a.count);
}
