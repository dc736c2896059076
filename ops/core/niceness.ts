import { readFileSync, writeFileSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';

/** The niceness of a process's main thread, from -20 (first) to 19 (last); 0 where it cannot be told. */
export function nicenessOf(pid: number): number {
  try {
    return getPriority(pid);
  } catch {
    return 0;
  }
}

/**
 * Asks the system to let a process run before or after others. Linux weighs sessions first where it groups tasks by
 * them (`autogroup` in sched(7)), and niceness only within one: so the session is told too where the process or its
 * parent leads it, which is not so of a shell and what runs two levels below.
 * @param niceness -20 (first) to 19 (last); below 0 only root is granted
 * @returns whether the process itself was granted it; if not, nothing changed
 */
export function setNiceness(pid: number, niceness: number): boolean {
  try {
    setPriority(pid, niceness);
  } catch {
    return false;
  }
  try {
    const { parent, session } = placeOf(pid);
    if (session === pid || session === parent) writeFileSync(`/proc/${pid}/autogroup`, String(niceness));
  } catch {
    // No Linux, no such groups, or the process has ended: niceness is all there is.
  }
  return true;
}

/** By /proc; the command before these may hold anything, so they are counted from its end. */
function placeOf(pid: number): { readonly parent: number; readonly session: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const [, parent, , session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ').map(Number);
  return { parent: parent ?? 0, session: session ?? 0 };
}
