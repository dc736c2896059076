/** Reads runbooks as people write them: Markdown with fixed sections and commands in fenced blocks. */

/** The sections every runbook has, in this order. */
export const runbookSections = ['Meaning', 'Impact', 'First checks', 'Mitigation', 'Proof of recovery'] as const;
export type RunbookSection = (typeof runbookSections)[number];

export interface Runbook {
  readonly title: string;
  /** Headings of the second level with the text below each, in order. */
  readonly sections: readonly { readonly name: string; readonly text: string }[];
  readonly commands: readonly RunbookCommand[];
  /** Targets of links, without those to other hosts. */
  readonly links: readonly string[];
}

export interface RunbookCommand {
  readonly section: string;
  /** One command, its continued lines joined. */
  readonly text: string;
  readonly line: number;
}

/** Never throws: what is missing is found by `runbookProblems`. */
export function readRunbook(text: string): Runbook {
  const sections: { name: string; text: string }[] = [];
  const commands: RunbookCommand[] = [];
  let title = '';
  let isFenced = false;
  let pending = '';
  for (const [index, line] of text.split('\n').entries()) {
    const section = sections.at(-1);
    if (line.startsWith('```')) isFenced = !isFenced;
    else if (isFenced) {
      pending += line.replace(/\\$/, '');
      if (line.endsWith('\\')) continue;
      const command = pending.trim();
      pending = '';
      if (command !== '' && !command.startsWith('#')) commands.push({ section: section?.name ?? '', text: command, line: index + 1 });
    } else if (line.startsWith('## ')) {
      sections.push({ name: line.slice(3).trim(), text: '' });
      continue;
    } else if (line.startsWith('# ') && title === '') title = line.slice(2).trim();
    if (section !== undefined) section.text += `${line}\n`;
  }
  const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target).filter((target) => !/^[a-z]+:\/\//.test(target));
  return { title, sections, commands, links };
}

/** What keeps a runbook from being followed at three in the morning. */
export function runbookProblems(runbook: Runbook): string[] {
  const names = runbook.sections.map(({ name }) => name);
  const problems = runbookSections.filter((name) => !names.includes(name)).map((name) => `the section "## ${name}" is missing`);
  const found = names.filter((name) => runbookSections.some((known) => known === name));
  if (problems.length === 0 && found.join() !== runbookSections.join()) problems.push(`the sections stand in the order ${found.join(', ')}; write them as ${runbookSections.join(', ')}`);
  for (const { name, text } of runbook.sections) if (text.trim() === '') problems.push(`the section "## ${name}" is empty`);
  if (runbook.title === '') problems.push('the title "# …" is missing');
  const checks = runbook.commands.filter(({ section }) => section === 'First checks').length;
  if (names.includes('First checks') && checks < 3) problems.push(`"## First checks" has ${checks} commands in fenced blocks; three are wanted`);
  if (names.includes('Proof of recovery') && !runbook.commands.some(({ section }) => section === 'Proof of recovery')) problems.push('"## Proof of recovery" has no command in a fenced block');
  return problems;
}
