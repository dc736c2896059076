/** The one form in which an e-mail address is stored and compared. */
export function normaliseEmail(email: string): string {
  return email.normalize('NFKC').trim().toLowerCase();
}
