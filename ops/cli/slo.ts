import { join } from 'node:path';
import { apiPrefix, controlClient } from '../control/client.ts';
import { exitCodes, invalidConfig } from '../core/error.ts';
import type { ExitCode } from '../core/error.ts';
import { staleFiles, writeBurnFiles } from '../slo/burn-files.ts';
import { loadSlos } from '../slo/open-slo.ts';
import { sloListReply, sloReply } from '../slo/routes.ts';
import type { Command, Context, Parsed } from './command.ts';
import { outputFlag, outputOf, parseFlags, suggest } from './command.ts';
import { renderBudget, renderSlo, renderSloList } from './slo-text.ts';

/** From the checkout's folder. */
export const slosFolder = 'alerts/slo';

const verbs: Readonly<Record<string, (context: Context, parsed: Parsed, name: string | undefined) => Promise<ExitCode>>> = { ls, show, budget, generate };

export const slo: Command = {
  name: 'slo',
  summary: 'Shows objectives and their error budgets',
  usage: 'sora slo ls|show|budget|generate [NAME] [flags]',
  flags: {
    check: { type: 'boolean', help: 'generate: changes nothing, and fails where a file is not what it should be' },
    ...outputFlag,
  },
  examples: ['sora slo ls', 'sora slo budget api-availability', 'sora slo show payments-latency -o json', 'sora slo generate --check'],
  details: [
    'Verbs:',
    '  ls           the objectives, the one with the least budget first',
    '  show NAME    what it promises, how it is measured, and its burn-rate alerts',
    '  budget NAME  what is left of its budget, how fast it goes, and which incidents spent it',
    '  generate     writes alerts/rules/slo-*.yaml and their tests from alerts/slo/*.yaml',
    '\nExit codes: 0 well, 99 where --check finds a difference, 104 wrong objectives, or no control plane that could be asked.',
  ].join('\n'),
  async run(context, args) {
    const parsed = parseFlags(slo, args, 2);
    const [verb, name] = parsed.positionals;
    const run = verb === undefined ? undefined : verbs[verb];
    if (run === undefined) {
      throw invalidConfig(verb === undefined ? 'sora slo needs a verb' : `sora slo has no verb "${verb}"`, suggest(verb ?? '', Object.keys(verbs), 'sora slo ') ?? `verbs: ${Object.keys(verbs).join(', ')}`);
    }
    return await run(context, parsed, name);
  },
};

async function ls(context: Context, parsed: Parsed): Promise<ExitCode> {
  const { host } = context;
  const reply = await controlClient(context, 'viewer').get(`${apiPrefix}/slos`, sloListReply);
  host.stdout.write(outputOf(parsed) === 'json' ? `${JSON.stringify(reply.slos, null, 2)}\n` : renderSloList(reply.slos, host.clock.nowMs()));
  return exitCodes.pass;
}

async function show(context: Context, parsed: Parsed, name: string | undefined): Promise<ExitCode> {
  const path = pathOf(context, name, 'show');
  const found = await controlClient(context, 'viewer').get(path, sloReply);
  context.host.stdout.write(outputOf(parsed) === 'json' ? `${JSON.stringify(found, null, 2)}\n` : renderSlo(found));
  return exitCodes.pass;
}

async function budget(context: Context, parsed: Parsed, name: string | undefined): Promise<ExitCode> {
  const { host } = context;
  const path = pathOf(context, name, 'budget');
  const found = await controlClient(context, 'viewer').get(path, sloReply);
  host.stdout.write(outputOf(parsed) === 'json' ? `${JSON.stringify(found.budget, null, 2)}\n` : renderBudget(found, host.clock.nowMs()));
  return exitCodes.pass;
}

function pathOf({ host, root }: Context, name: string | undefined, verb: string): string {
  const known = loadSlos(host.files, join(root, slosFolder)).map((each) => each.name);
  if (name === undefined) throw invalidConfig(`sora slo ${verb} needs the name of an objective`, `objectives: ${known.join(', ')}`);
  return `${apiPrefix}/slos/${encodeURIComponent(name)}`;
}

function generate({ host, root }: Context, parsed: Parsed): Promise<ExitCode> {
  const slos = loadSlos(host.files, join(root, slosFolder));
  const alerts = join(root, 'alerts');
  const paths = parsed.has('check') ? staleFiles(host.files, alerts, slos).map(({ path }) => path) : writeBurnFiles(host.files, alerts, slos);
  for (const path of paths) host.stdout.write(`alerts/${path}\n`);
  if (!parsed.has('check')) {
    host.stderr.write(`${slos.length} objectives, ${paths.length} files changed; sora rules docs brings alerts/README.md up to date\n`);
    return Promise.resolve(exitCodes.pass);
  }
  host.stderr.write(paths.length === 0 ? `the rules of ${slos.length} objectives are up to date\n` : `${paths.length} files differ from their objectives: run sora slo generate\n`);
  return Promise.resolve(paths.length === 0 ? exitCodes.pass : exitCodes.thresholdsFailed);
}
