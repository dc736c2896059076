import { joinTags, type TagSet } from '../../swarm/journey/tag-sets.ts';
import { metricSpecs } from '../metrics.ts';
import type { Threshold } from '../thresholds.ts';

/** The tags of a threshold that journeys set. */
export function ownTagsOf({ metric, tags }: Pick<Threshold, 'metric' | 'tags'>): Readonly<Record<string, string>> {
  const known = metricSpecs[metric]?.tags ?? {};
  return Object.fromEntries(Object.entries(tags).filter(([name]) => !Object.hasOwn(known, name)));
}

/** What must be measured together because thresholds name it together; one at a time tags are measured anyway. */
export function tagSetsOf(thresholds: readonly Threshold[]): TagSet[] {
  const sets = thresholds.flatMap((threshold): TagSet[] => {
    const tags = ownTagsOf(threshold);
    const check = threshold.metric === 'checks' ? threshold.tags['check'] : undefined;
    const parts = Object.keys(tags).length;
    return parts === 0 || (parts === 1 && check === undefined) ? [] : [{ tags, ...(check === undefined ? {} : { check }) }];
  });
  return [...new Map(sets.map((set) => [JSON.stringify(joinTags(set)), set])).values()];
}
