/** PostgreSQL's text holds any character but NUL; for zod's `refine`, with `noNulMessage`. */
export const noNul = (text: string): boolean => !text.includes('\u0000');
export const noNulMessage = 'must not contain the character NUL';
