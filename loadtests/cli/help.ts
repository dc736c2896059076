import { runFlags } from './options.ts';

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

/** The help of one verb, or of all. */
export function helpText(verb: string): string {
  if (verb !== 'run' && verb !== 'debug' && verb !== 'plan') return `Runs load tests and shows their reports\n\n${verbLines}\n${exitLines}`;
  const rows = Object.entries(runFlags).map(([name, flag]) => {
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
