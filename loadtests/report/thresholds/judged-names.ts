import { invalidConfig, type SoraError } from '../../../ops/core/error.ts';
import { joinTags, type JudgedNames, tagBounds, type TagSet } from '../../swarm/journey/tag-sets.ts';
import { metricSpecs } from '../metrics.ts';
import type { Threshold } from '../thresholds.ts';

/** Operations, and checks, that thresholds may name. */
const judgedMax = 300;

/** The tags of a threshold that journeys set. */
export function ownTagsOf({ metric, tags }: Pick<Threshold, 'metric' | 'tags'>): Readonly<Record<string, string>> {
  const known = metricSpecs[metric]?.tags ?? {};
  return Object.fromEntries(Object.entries(tags).filter(([name]) => !Object.hasOwn(known, name)));
}

/** What thresholds name, so that a run keeps room for it; tags of one threshold are to be measured together. */
export function judgedNamesOf(thresholds: readonly Threshold[]): JudgedNames {
  const named = (tag: string, of = thresholds): string[] => [...new Set(of.flatMap(({ tags }) => tags[tag] ?? []))];
  return { tagSets: tagSetsOf(thresholds), operations: named('op'), checks: named('check', thresholds.filter(({ metric }) => metric === 'checks')) };
}

function tagSetsOf(thresholds: readonly Threshold[]): TagSet[] {
  const sets = thresholds.flatMap((threshold): TagSet[] => {
    const tags = ownTagsOf(threshold);
    const check = threshold.metric === 'checks' ? threshold.tags['check'] : undefined;
    return Object.keys(tags).length === 0 ? [] : [{ tags, ...(check === undefined ? {} : { check }) }];
  });
  return [...new Map(sets.map((set) => [JSON.stringify(joinTags(set)), set])).values()];
}

/** Thresholds on more tags, operations or checks than a run tells apart would be judged by what is left over, so they are refused. */
export function requireRoomForNames(thresholds: readonly Threshold[], onError: (error: SoraError) => void): void {
  const values = new Map<string, Set<string>>();
  for (const threshold of thresholds) {
    for (const [name, value] of Object.entries(ownTagsOf(threshold))) {
      values.set(name, (values.get(name) ?? new Set()).add(value));
      const long = [name, value].find((text) => text.length > tagBounds.characters);
      if (long === undefined) continue;
      onError(invalidConfig(`threshold "${threshold.expression}": "${long}" has ${long.length} characters, and tags are cut to ${tagBounds.characters}`, 'tag with a shorter name'));
    }
  }
  const { operations, checks } = judgedNamesOf(thresholds);
  const crowded = [...values].find(([, each]) => each.size > tagBounds.values);
  const hint = 'judge fewer of them, or group them: several thresholds may share a tag';
  if (values.size > tagBounds.names) onError(invalidConfig(`thresholds name ${values.size} tags, and a run tells ${tagBounds.names} apart`, hint));
  if (operations.length > judgedMax) onError(invalidConfig(`thresholds name ${operations.length} operations; at most ${judgedMax} are told apart for certain`, hint));
  if (checks.length > judgedMax) onError(invalidConfig(`thresholds name ${checks.length} checks; at most ${judgedMax} are told apart for certain`, hint));
  if (crowded !== undefined) onError(invalidConfig(`thresholds name ${crowded[1].size} values of the tag "${crowded[0]}", and a run tells ${tagBounds.values} of one tag apart`, hint));
}
