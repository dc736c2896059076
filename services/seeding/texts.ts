import { hash32, hashInt, streams } from './hash.ts';
import type { SeedPlan } from './plan.ts';

const firstNames = ['Ada', 'Bao', 'Chidi', 'Dara', 'Elif', 'Femi', 'Greta', 'Hana', 'Ines', 'Jonas', 'Kaia', 'Liam', 'Mina', 'Noor', 'Oskar', 'Priya', 'Quinn', 'Rosa', 'Sami', 'Tove', 'Uma', 'Viktor', 'Wren', 'Yusuf'];
const lastNames = ['Adeyemi', 'Berg', 'Castro', 'Dubois', 'Eriksen', 'Fujita', 'Garcia', 'Haddad', 'Ivanova', 'Jensen', 'Kaya', 'Lindqvist', 'Moreau', 'Novak', 'Okafor', 'Petrov', 'Rossi', 'Sato', 'Tanaka', 'Weber'];
const openings = ['Today I finished', 'Nobody told me about', 'Still thinking of', 'A short note on', 'Here is what I learned from', 'Three weeks into', 'My favourite part of', 'Behind the scenes of', 'Slowly getting better at', 'Who else enjoys'];
const subjects = ['the new track', 'sketching at dawn', 'baking rye bread', 'a studio rebuild', 'editing film by hand', 'growing tomatoes indoors', 'the long run by the river', 'restoring an old synth', 'night photography', 'writing a first chapter', 'a clay workshop', 'learning to sew'];
const endings = ['and it was worth the wait.', 'which took longer than planned.', 'with more to come next week.', 'so ask me anything.', 'and the light was perfect.', 'though I would do it again.', 'thanks to everyone who helped.', 'full story in the next post.'];
const lines = ['Hi! Loved your last post.', 'Thank you, that means a lot.', 'When is the next stream?', 'Probably on Friday evening.', 'Could you share the recipe?', 'Sure, give me a minute.', 'How long did it take you?', 'About two weeks, on and off.', 'I will be there.', 'See you then!'];

const textCount = 1_000;

/** A thousand texts of one to four sentences as bytes, from which posts take theirs. */
export function postTexts(plan: SeedPlan): Buffer[] {
  return Array.from({ length: textCount }, (_, index) => {
    const sentences = 1 + (hash32(plan.seed, streams.words, index) % 4);
    const text = Array.from({ length: sentences }, (_, part) => {
      const draw = hash32(plan.seed, streams.words, textCount + index * 4 + part);
      const word = (list: readonly string[], shift: number): string => list[(draw >>> shift) % list.length] ?? '';
      return `${word(openings, 0)} ${word(subjects, 8)} ${word(endings, 16)}`;
    });
    return Buffer.from(text.join(' '));
  });
}

export function messageTexts(): Buffer[] {
  return lines.map((line) => Buffer.from(line));
}

export function displayName(plan: SeedPlan, userId: number): string {
  const first = firstNames[hashInt(plan.seed, streams.name, userId * 2, firstNames.length)] ?? '';
  return `${first} ${lastNames[hashInt(plan.seed, streams.name, userId * 2 + 1, lastNames.length)] ?? ''}`;
}

export function bio(plan: SeedPlan, userId: number): string {
  return `Mostly here for ${subjects[hashInt(plan.seed, streams.words, userId + 1_000_000, subjects.length)] ?? ''}.`;
}
