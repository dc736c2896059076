/** Writes alerts/README.md from the rules, so that its figures are those that are evaluated. */
import { severities } from '../alert.ts';
import type { RuleEntry } from './catalogue.ts';
import type { RuleDrill } from './drills.ts';

const intro = `# Alerts

<!-- Written by \`sora rules docs\` from the rules: change those and run the command. -->

\`rules/\` holds alert and recording rules in Prometheus' format, \`tests/\` their unit tests in promtool's, \`slo/\` objectives in
OpenSLO v1, \`pending/\` rules that wait for their subsystem, \`routing.yaml\` who is told. The same files run in SORA and, unchanged,
on a Prometheus and an Alertmanager of your own. \`../runbooks/\` says what to do about each.

\`\`\`sh
npx sora rules check     # reads all rules; finds metrics that nobody exports, and missing runbooks and tests
npx sora rules test      # runs alerts/tests, as promtool test rules does
npx sora slo generate    # writes rules/slo-*.yaml and their tests from slo/*.yaml
npx sora rules docs      # writes this page
\`\`\`

## Severities

| severity | acknowledge within |
|---|---|
| critical | 5 min; it pages, and goes to the next person when nobody acknowledges |
| high | 1 h |
| medium | 4 h |
| low | the next business day |

Alerts with the label \`kind="cause"\` tell why users may suffer; the others that they do. An incident is mitigated when the latter
have ended.

## How rules are written

The value of an alert is the figure that its last comparison limits: guards against low traffic stand inside the parentheses
before it. Counters are exported as 0 from the start, so that a rate sees the first failure. A rule whose selectors find no
series at all is reported as \`no-data\`, which is not the same as well, and as \`blind\` where no process exports its metric:
\`RuleFailing\` tells of those, and \`npx sora rules check --live\` names them. \`impact\` is a query that says how many are affected,
with its unit behind \`#\`; \`reason\` says why the figures are what they are. \`drilled\` is when \`npm run drill:alerts\` last
brought the condition about from outside, and at which commit; [the whole of it](../docs/alert-drills.md).
`;

/**
 * @param pending entries of `alerts/pending`
 * @param drills the last of each rule
 */
export function renderReadme(entries: readonly RuleEntry[], pending: readonly RuleEntry[], drills: readonly RuleDrill[]): string {
  const byAlert = new Map(drills.map((drill) => [drill.alert, drill]));
  const drilled = ({ name }: RuleEntry): string => drillText(byAlert.get(name));
  const generated = entries.filter(isGenerated);
  const written = entries.filter((entry) => !isGenerated(entry));
  return [
    intro,
    '## Rules\n',
    ...severities.flatMap((severity) => section(written.filter((entry) => entry.severity === severity), severity, drilled)),
    '## Burn rates of the objectives\n',
    'Each is generated from the objective of its name in `slo/`: factor = share of the budget · period / long window, and the limit is',
    'the factor times the budget. Both windows must be above it, and the long one must hold enough failures to prove anything.\n',
    ...table(['alert', 'limit', 'windows', 'severity', 'owner', 'reason', 'drilled'], generated.map((entry) => [link(entry), code(entry.limit), entry.windows.join(', '), entry.severity, entry.owner, entry.reason, drilled(entry)])),
    '',
    '## Pending\n',
    ...table(['alert', 'limit', 'window', 'for', 'severity', 'owner', 'needs'], pending.map((entry) => [code(entry.name), code(entry.limit), entry.windows.join(', '), entry.forText, entry.severity, entry.owner, entry.needs])),
    '',
  ].join('\n');
}

const isGenerated = ({ file }: RuleEntry): boolean => /(^|\/)slo-[^/]*$/.test(file);

function section(entries: readonly RuleEntry[], severity: string, drilled: (entry: RuleEntry) => string): string[] {
  if (entries.length === 0) return [];
  const rows = entries.map((entry) => [link(entry), entry.metrics.map(code).join(' '), code(entry.limit), entry.windows.join(', '), entry.forText, entry.owner, entry.reason, drilled(entry)]);
  return [`### ${severity}\n`, ...table(['alert', 'metrics', 'limit', 'window', 'for', 'owner', 'reason', 'drilled'], rows), ''];
}

function drillText(drill: RuleDrill | undefined): string {
  if (drill === undefined) return 'never';
  const when = `${new Date(drill.atMs).toISOString().slice(0, 10)}, ${drill.commit}`;
  return drill.problem === undefined ? when : `✗ ${when}: ${drill.problem}`;
}

const link = ({ name, runbook }: RuleEntry): string => (runbook === '' ? code(name) : `[${name}](../${runbook})`);
const code = (text: string): string => (text === '' ? '' : `\`${text}\``);

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)];
}
