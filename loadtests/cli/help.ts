import { runFlags, stackFlags } from './options.ts';

const verbLines = `Verbs:
  run SCENARIO    runs a scenario, judges it and writes a report
  debug SCENARIO  plays one journey of one user and prints each step
  ls              lists the runs kept (-o json)
  show [NAME]     shows a run again; default the latest (-o json)
  rm NAME…        removes runs
`;

const exitLines = `Exit codes of run: 0 pass, 98 insufficient, 99 fail, 104 wrong before the first request,
105 stopped by a signal, 107 the scenario failed to load or to set up.
`;

const keptVerbs: Readonly<Record<string, { usage: string; summary: string; examples: readonly string[] }>> = {
  ls: { usage: 'ls [-o json]', summary: 'Lists the runs kept, the newest first', examples: ['ls', "ls -o json | jq -r '.items[] | select(.verdict == \"fail\") | .name'"] },
  show: { usage: 'show [NAME] [-o json]', summary: 'Shows a run again; default the latest', examples: ['show', 'show 20260131-142305-9f2c -o json'] },
  rm: { usage: 'rm NAME…', summary: 'Removes runs with their reports', examples: ['rm 20260131-142305-9f2c'] },
};

/** The help of one verb, or of all. */
export function helpText(verb: string): string {
  const kept = keptVerbs[verb];
  if (kept !== undefined) {
    return `${kept.summary}\n\nUsage: sora load ${kept.usage}\n\nExamples:\n${kept.examples.map((example) => `  npx sora load ${example}\n`).join('')}`;
  }
  if (verb !== 'run' && verb !== 'debug' && verb !== 'plan') return `Runs load tests and shows their reports\n\n${verbLines}\nExample:\n  npx sora load run launch-mix --users 10000 --duration 60s\n\n${exitLines}`;
  const rows = Object.entries({ ...runFlags, ...stackFlags }).map(([name, flag]) => {
    const short = 'short' in flag ? `-${flag.short}, ` : '    ';
    return [`  ${short}--${name}${'value' in flag ? ` ${flag.value}` : ''}`, flag.help] as const;
  });
  const width = Math.max(...rows.map(([left]) => left.length)) + 2;
  const example = verb === 'debug' ? 'npx sora load debug launch-mix --user 7' : 'npx sora load run launch-mix --users 10000 --duration 60s';
  return `Usage: sora load ${verb} SCENARIO [flags]

SCENARIO is the name of a built-in scenario or a file such as ./my-journey.ts.

Flags:
${rows.map(([left, help]) => `${left.padEnd(width)}${help}`).join('\n')}

Example:
  ${example}

${exitLines}`;
}
