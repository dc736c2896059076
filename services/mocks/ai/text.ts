/** Deterministic language: the same seed and prompt give the same reply and the same verdict. */

const openings = ['I like that.', 'Tell me more.', 'That sounds lovely.', 'Good question.', 'I hear you.', 'Let us think about it.'];
const subjects = ['The evening', 'A small step', 'Your idea', 'The story', 'This moment', 'A quiet walk', 'The plan', 'Your audience'];
const verbs = ['brings', 'needs', 'invites', 'becomes', 'rewards', 'remembers', 'finds', 'deserves'];
const objects = ['a little patience', 'something new', 'an honest answer', 'good company', 'one more try', 'a better light', 'time to grow'];

/** Terms that moderation flags, by category. */
const flaggedTerms: Readonly<Record<string, RegExp>> = {
  violence: /\b(kill|murder|bomb)\b/i,
  'self-harm': /\b(suicide|self[- ]harm)\b/i,
  hate: /\b(slur|hateful)\b/i,
  sexual: /\b(explicit|underage)\b/i,
};

/** FNV-1a over the text's UTF-16 units, from the seed. */
export function hashText(text: string, seed: number): number {
  let hash = (2_166_136_261 ^ seed) >>> 0;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 16_777_619) >>> 0;
  return hash;
}

/** About four characters make a token, as with common tokenizers of English. */
export const countTokens = (text: string): number => Math.max(1, Math.ceil(text.length / 4));

/** The reply as pieces to stream; joined they are the whole text. @param tokensMax at most so many tokens */
export function composeReply(prompt: string, seed: number, tokensMax: number): string[] {
  let state = hashText(prompt, seed);
  const pick = (words: readonly string[]): string => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return words[(state >>> 16) % words.length] as string;
  };
  const sentences = 1 + (state % 4);
  let text = pick(openings);
  for (let count = 0; count < sentences; count++) text += ` ${pick(subjects)} ${pick(verbs)} ${pick(objects)}.`;
  return text.slice(0, tokensMax * 4).match(/\S+\s*/g) ?? [];
}

export function moderate(text: string): { flagged: boolean; categories: string[] } {
  const categories = Object.entries(flaggedTerms).filter(([, pattern]) => pattern.test(text)).map(([category]) => category);
  return { flagged: categories.length > 0, categories };
}
