/** Something that can stand in a `Roster`, in one at a time. */
export interface Listed {
  /** Its place in the roster; -1 outside. Kept by the roster. */
  rosterAt: number;
}

/**
 * The members of a group that comes and goes quickly, in no order. A `Set` would do, but V8 links each table it has
 * outgrown to the next: once one such table is in the old generation it keeps all later ones, and their dead
 * members, until a full collection. In an unpaced load run a quarter of what was allocated outlived its collection so.
 */
export class Roster<Member extends Listed> {
  readonly #members: Member[] = [];

  get size(): number {
    return this.#members.length;
  }

  /** Takes a member in; nothing happens where it is in. */
  add(member: Member): void {
    if (member.rosterAt >= 0) return;
    member.rosterAt = this.#members.length;
    this.#members.push(member);
  }

  /** Takes a member out; nothing happens where it is not in. */
  delete(member: Member): void {
    const at = member.rosterAt;
    if (at < 0 || this.#members[at] !== member) return;
    const last = this.#members.pop();
    member.rosterAt = -1;
    if (last === undefined || last === member) return;
    this.#members[at] = last;
    last.rosterAt = at;
  }

  /** The members as they are now; the caller may add and delete meanwhile. */
  list(): readonly Member[] {
    return this.#members.slice();
  }

  clear(): void {
    for (const member of this.#members) member.rosterAt = -1;
    this.#members.length = 0;
  }
}
