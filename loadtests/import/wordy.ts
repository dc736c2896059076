/** Tells words, as people write and read them, from texts that a generator of random characters made. */

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** Shorter texts say too little to be judged. */
const randomMin = 8;
const wordMax = 14;

/** Whether a text is no chain of words and small numbers: `7hF93kd02LmQx1`, against `SUMMER2024` or `in-progress`. */
export function looksRandom(text: string): boolean {
  if (uuid.test(text)) return true;
  return text.length >= randomMin && /\p{L}/u.test(text) && !/\s/.test(text) && !isWordy(text);
}

/** Whether a text is made of words in small or capital letters or humps, with small numbers beside them. */
export function isWordy(text: string): boolean {
  return text.split(/[^\p{L}\p{N}]+/u).every(isWordyPiece);
}

function isWordyPiece(piece: string): boolean {
  if (/^\d*$/.test(piece)) return piece.length <= 5;
  const runs = piece.match(/\d+|[^\d]+/g) ?? [];
  if (runs.length > 2 && runs.length - 1 > piece.length / 8) return false;
  return runs.every((run) => (/^\d/.test(run) ? run.length <= 4 : isWordyRun(run)));
}

/** Letters only. */
function isWordyRun(run: string): boolean {
  const humps = run.match(/\p{Lu}?\p{Ll}+|\p{Lu}+(?!\p{Ll})|[^\p{Lu}\p{Ll}]+/gu) ?? [];
  return (humps.length <= 1 || humps.length * 3 <= run.length) && humps.every(isWord);
}

function isWord(hump: string): boolean {
  if (/[^a-z]/i.test(hump)) return true;
  return hump.length <= wordMax && (hump.length < 4 || /[aeiouy]/i.test(hump)) && !/[bcdfghjklmnpqrstvwxz]{5}/i.test(hump);
}

/** What people say about a password without telling one. */
const ordinary = new Set(
  ('a about again all already am an and another any are as ask at be been before but by can cannot cant change changed changing check choose click code codes confirm confirmation correct could create ' +
    'current did do does doesn done don edit enter entered enterred error expired failed fix for forget forgot forgotten from get give got has hasn have haven hello help her hi his how i if in incorrect ' +
    'input invalid is isn issue it its just know link log logged login lost ll m manager me missing mismatch must my name need needed new no not now of ok old on one open or our page please problem ' +
    're recover recovery refresh remember remind remove request required requested resend reset resetting s save screen security see send sent set settings setup show sign signin so some still support ' +
    't thank thanks that the their them then there they this to too try type update updated us use user user\'s username valid ve verification verify very want was way we were what when where which while ' +
    'who why will with without won wont work working works wrong you your oauth oauth2 grant flow field form header session type id ids').split(' '),
);

/** Whether a word goes with talk of secrets and is none. */
export const isOrdinary = (word: string): boolean => ordinary.has(word.toLowerCase());
