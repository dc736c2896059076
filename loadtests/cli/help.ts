import { capacityFlags } from './capacity.ts';
import { importHelp } from './import.ts';
import { browserFlags, k6Flags } from '../k6/runner/arguments.ts';
import { mergeHelp } from './merge.ts';
import { runFlags, stackFlags, takesFlag } from './options.ts';
import { suiteFlags } from './suite.ts';

const verbLines = `Verbs:
  run SCENARIO    runs a scenario, judges it and writes a report
  debug SCENARIO  plays one journey of one user and prints each step
  capacity SCENARIO  finds the highest rate that meets the thresholds, and the law behind it
  suite NAME      runs a suite such as smoke, spike or launch-readiness (--list)
  k6 SUITE        runs a k6 suite: smoke, load, stress, spike, soak or breakpoint
  browser         measures Web Vitals in real browsers while the mix runs
  merge SHARE…    joins the shares of a run and judges it as a whole (-o json)
  ls              lists the runs kept (-o json)
  show [NAME]     shows a run again; default the latest (-o json)
  rm NAME…        removes runs
  import FILE     writes a scenario from a HAR recording or an OpenAPI document
  compare A B     judges run B against run A, or against several (-o json)
  trend [NAME]    finds changes over the kept runs of a scenario (-o json)
`;

const exitLines = `Exit codes of run: 0 pass, 98 insufficient, 99 fail, 104 wrong before the first request,
105 stopped by a signal, 107 the scenario failed to load or to set up, or passed and its teardown failed.
`;

const debugExitLines = `Exit codes: 0 every operation ended well, 104 wrong before the first request, 107 an operation failed or
the scenario failed to load or to set up.
`;

const keptVerbs: Readonly<Record<string, { usage: string; summary: string; examples: readonly string[] }>> = {
  ls: { usage: 'ls [-o json]', summary: 'Lists the runs kept, the newest first', examples: ['ls', "ls -o json | jq -r '.items[] | select(.verdict == \"fail\") | .name'"] },
  show: { usage: 'show [NAME] [-o json]', summary: 'Shows a run again; default the latest', examples: ['show', 'show 20260131-142305-9f2c -o json'] },
  import: importHelp,
  merge: mergeHelp,
  rm: { usage: 'rm NAME…', summary: 'Removes runs with their reports', examples: ['rm 20260131-142305-9f2c'] },
  compare: {
    usage: 'compare BASELINE RUN | compare RUN [--baseline RUN]… [--last N] [--tolerance 5%] [-o json]',
    summary: 'Judges a run against others of its kind by blocks of 5 s: better, same, worse or INSUFFICIENT for each operation.\nEach run needs 5 whole blocks, a hold of 25 s or longer. With fewer than 5 baseline runs only a change wholly beyond the tolerance gets a verdict; from 5 on, the runs tell the noise.\nExit codes: 0 not worse, 98 insufficient, 99 worse, 104 runs that cannot be compared',
    examples: ['compare 20260131-142305-9f2c latest', 'compare latest --last 5', 'run launch-mix --baseline last:5'],
  },
  trend: {
    usage: 'trend [SCENARIO] [-o json]',
    summary: 'Finds the runs from which on p95, rate, failures or CPU changed, for good or until the next change (E-Divisive, permutation test at 1 %).\nDefault: the scenario of the latest run; only runs of the same users, think time and machine. Exit code 98 with fewer than 10',
    examples: ['trend', 'trend launch-mix -o json'],
  },
};

/** Verbs that start runs: their own flags, and those of `run` besides. */
const startingVerbs: Readonly<Record<string, { usage: string; summary: string; flags: Readonly<Record<string, { value?: string; help: string }>>; more: string; examples: readonly string[] }>> = {
  capacity: {
    usage: 'capacity SCENARIO [flags]', summary: 'Finds the highest rate that meets the thresholds: doubling, halving, then a longer hold that confirms it; fits the Universal Scalability Law',
    flags: capacityFlags, more: 'Besides these it takes --users (how many there are at most), --stack, --replicas, --target and the other flags of sora load run.',
    examples: ['capacity launch-mix --users 20000 --today 500/s', 'capacity ./my-journey.ts --target http://127.0.0.1:3000 --from 50/s --hold 20s -o json'],
  },
  suite: {
    usage: 'suite NAME [flags]', summary: 'Runs a suite part by part and judges the whole; a part whose backend is missing is told, and makes the suite INSUFFICIENT',
    flags: suiteFlags, more: 'NAME is a suite of loadtests/suites or a file such as ./my-suite.json. Besides these it takes --stack, --replicas, --target, --validity and the other flags of sora load run.',
    examples: ['suite --list', 'suite smoke', 'suite spike --scale 0.1', 'suite launch-readiness -o json'],
  },
  k6: {
    usage: 'k6 smoke|load|stress|spike|soak|breakpoint [flags]',
    summary: 'Runs the launch mix with k6 v2, taken from the PATH or built with Go once; judged by the same thresholds, kept like every other run',
    flags: k6Flags, more: 'Besides these it takes --stack, --replicas and --keep. It ends with k6’s exit code, or 98 where k6 dropped iterations. Its runs are not audited.',
    examples: ['k6 smoke', 'k6 load --users 2000 --duration 2m', 'k6 breakpoint --stack own'],
  },
  browser: {
    usage: 'browser [flags]',
    summary: 'Real Chromium reads the API’s documentation and the latest report while k6 runs the launch mix; judged by Web Vitals and the mix’s thresholds',
    flags: browserFlags, more: 'Besides these it takes --stack, --replicas and --keep. Chromium is CHROMIUM_PATH or one on the PATH; it is never downloaded.',
    examples: ['browser', 'browser --users 1000 --browsers 2 --duration 60s'],
  },
};

function startingHelp({ usage, summary, flags, more, examples }: (typeof startingVerbs)[string]): string {
  const rows = Object.entries(flags).map(([name, { value, help }]) => `  ${`--${name}${value === undefined ? '' : ` ${value}`}`.padEnd(26)}${help}`);
  return `${summary}\n\nUsage: sora load ${usage}\n\nFlags:\n${rows.join('\n')}\n\n${more}\n\nExamples:\n${examples.map((example) => `  npx sora load ${example}\n`).join('')}\n${exitLines}`;
}

/** The help of one verb, or of all. */
export function helpText(verb: string): string {
  const starting = startingVerbs[verb];
  if (starting !== undefined) return startingHelp(starting);
  const kept = keptVerbs[verb];
  if (kept !== undefined) {
    return `${kept.summary}\n\nUsage: sora load ${kept.usage}\n\nExamples:\n${kept.examples.map((example) => `  npx sora load ${example}\n`).join('')}`;
  }
  if (verb !== 'run' && verb !== 'debug' && verb !== 'plan') return `Runs load tests and shows their reports\n\n${verbLines}\nExample:\n  npx sora load run launch-mix --users 10000 --duration 60s\n\n${exitLines}`;
  const taken = Object.entries(runFlags).filter(([name]) => takesFlag(verb === 'debug' ? 'debug' : 'run', name));
  const rows = [...taken, ...Object.entries(stackFlags)].map(([name, flag]) => {
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

${verb === 'debug' ? debugExitLines : exitLines}`;
}
