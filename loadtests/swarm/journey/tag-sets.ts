/** How many names of tags a run tells apart, how many values of each, and how long either may be before it is cut. */
export const tagBounds = { names: 20, values: 100, characters: 64 } as const;

/** Tags of a journey that must all be set, by name and value. */
export interface TagSet {
  readonly tags: Readonly<Record<string, string>>;
  /** The check that counts; default all, and operations and requests besides. */
  readonly check?: string;
}

/** What thresholds name and journeys make up while they run: it has its room in every worker, whatever else comes first. */
export interface JudgedNames {
  /** Tags of one threshold are measured together, and told apart by operation. */
  readonly tagSets: readonly TagSet[];
  readonly operations: readonly string[];
  readonly checks: readonly string[];
}

/** Stands for a check among the names of tags; a threshold cannot name a tag so. */
const checkName = '(check)';

/** Whether figures of this name are of one check alone, which say nothing of operations. */
export const isOfCheck = (name: string): boolean => name.endsWith(checkName);

/**
 * The name and value that tags are measured under together, in order of their names: `plan & size` and `pro & big`.
 * A single tag is itself. An ampersand within is doubled, so that no two sets are the same.
 */
export function joinTags({ tags, check }: TagSet): { readonly name: string; readonly value: string } {
  const all = [...Object.entries(tags).toSorted(([a], [b]) => (a < b ? -1 : 1)), ...(check === undefined ? [] : [[checkName, check] as const])];
  const join = (parts: readonly string[]): string => (parts.length === 1 ? parts[0]! : parts.map((part) => part.replaceAll('&', '&&')).join(' & '));
  return { name: join(all.map(([name]) => name)), value: join(all.map(([, value]) => value)) };
}
