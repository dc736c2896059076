import { formatBytes, formatMeasured, formatMs, formatNumber, formatPercent, formatSeconds, missing, okSign, verdictSigns } from './format.ts';
import { causesFirst } from './causes-first.ts';
import { clockText } from './chart.ts';
import { generatorText } from './generator-text.ts';
import { facts, status, table, tile } from './html-parts.ts';
import { markup } from './markup.ts';
import type { Markup } from './markup.ts';
import { historyMax } from '../swarm/measurement.ts';
import { holdSeconds, modelSentence, verdictSentence } from './sentences.ts';
import type { Summary, SummaryAudit } from './summary-schema.ts';
import { worstFirst } from './thresholds/worst-first.ts';
import { noneFound } from './verdict.ts';

/** The first thing seen: the verdict, why, and the thresholds. */
export function verdictSection(summary: Summary): Markup {
  const sign = verdictSigns[summary.verdict];
  const reasons = summary.reasons.length > 1 && markup`<ul>${summary.reasons.map((reason) => markup`<li>${reason}</li>`)}</ul>`;
  return markup`<section class="card verdict ${summary.verdict}" aria-label="Verdict"><div class="word"><span class="icon" aria-hidden="true">${sign.icon}</span>${sign.word}</div><h1>${summary.scenario}</h1><p class="say">${verdictSentence(summary)}</p>${reasons}</section>
<section><h2>Thresholds</h2><div class="card">${thresholdTable(summary)}</div></section>`;
}

function thresholdTable(summary: Summary): Markup {
  if (summary.thresholds.length === 0) {
    return markup`<p class="empty">The scenario sets no threshold. Add one with <code>--threshold 'response_time: p(95)&lt;500'</code>.</p>`;
  }
  return table('Judged over the hold: the missed first, then the nearest to its limit.', [
    { title: 'Threshold', cell: (row: Summary['thresholds'][number]) => markup`<code>${row.expression}</code>` },
    { title: 'Measured', number: true, cell: (row) => formatMeasured(row.metric, row.measured, row.expression) },
    { title: 'Limit', number: true, cell: (row) => `${row.operator} ${formatMeasured(row.metric, row.limit, row.expression)}` },
    { title: 'Result', cell: (row) => status(okSign(row.ok)) },
    ...(summary.thresholds.some((row) => row.ok === false) ? [{ title: 'Missed since', number: true, cell: (row: Summary['thresholds'][number]) => (row.missedFromS === undefined ? '' : clockText(row.missedFromS)) }] : []),
  ], worstFirst(summary.thresholds), 'stack');
}

/** Which run this is, so that it can be found and repeated. */
export function identitySection(summary: Summary): Markup {
  const phases = summary.phases.map((phase) => `${phase.name} ${formatSeconds(phase.durationS)}`).join(', ');
  return markup`<section><h2>This run</h2><div class="card">${facts([
    ['Scenario', markup`${summary.scenario} <span class="soft">${summary.description}</span>`],
    ['Users', `${formatNumber(summary.users)}, think time ${summary.thinkTime}`],
    ['Model', modelSentence(summary)],
    ['Started', markup`<time datetime="${summary.startedAt}">${summary.startedAt.replace('T', ' ').replace(/\.\d+Z$/, ' UTC')}</time>`],
    ['Phases', phases],
    ['Target', markup`<code>${summary.target}</code>`],
    ['Run', markup`<code>${summary.runId}</code>`],
    ['Seed', markup`<code>${summary.seed}</code>`],
    ['Source', markup`<code>${summary.gitSha?.slice(0, 12) ?? 'not in a git checkout'}</code>`],
    ['Scenario file', markup`<code>${summary.scenarioSha256 === null ? 'unknown' : `sha256 ${summary.scenarioSha256.slice(0, 12)}`}</code>`],
    ['Host', `${summary.host}, ${summary.machine.cores} cores, ${formatBytes(summary.machine.memoryBytes)} of memory`],
    ['Tool', `sora ${summary.version}`],
    ...(summary.note === '' ? [] : ([['Note', summary.note]] as const)),
  ])}</div></section>`;
}

/** The figures to remember, then whether they may be believed. */
export function keySection(summary: Summary): Markup {
  const { operations, latencyMs, requests } = summary;
  const bad = operations.failed > 0 ? 'fail' : '';
  return markup`<section><h2>Key figures</h2><div class="tiles">
${tile('Operations a second', formatNumber(operations.achievedPerS), `${formatNumber(operations.offeredPerS)} fell due a second`)}
${tile('Failed operations', formatPercent(operations.failedRatio), markup`<span class="${bad === '' ? 'soft' : 'bad'}">${formatNumber(operations.failed)} of ${formatNumber(operations.total)}</span> in the hold, ${formatNumber(operations.refused)} refused there`)}
${tile('Response p95', formatMs(latencyMs.response.p95), `p50 ${formatMs(latencyMs.response.p50)}, p99 ${formatMs(latencyMs.response.p99)}`)}
${tile('Users', formatNumber(summary.users), `mean think time ${formatNumber(summary.thinkTimeS)} s`)}
${tile('Requests', formatNumber(requests.total), `${formatPercent(requests.failedRatio)} failed, p95 ${formatMs(requests.durationMs.p95)}`)}
${tile('Slowest', formatMs(latencyMs.response.max), `p99.9 ${formatMs(latencyMs.response.p999)}`)}
</div><div class="pair"><div class="card"><h3>Validity</h3>${validityTable(summary)}</div><div class="card"><h3>Audit</h3>${auditPart(summary.audit, summary.generator.tool)}</div></div></section>`;
}

function validityTable(summary: Summary): Markup {
  return table('Whether the generator measured the system and not itself.', [
    { title: 'Condition', cell: (item: Summary['validity'][number]) => item.text },
    { title: 'Result', cell: (item) => status(okSign(item.ok)) },
  ], summary.validity);
}

function auditPart(audit: SummaryAudit | null, tool: string): Markup {
  if (audit === null && tool !== 'sora') return markup`<p class="empty">Not audited: ${tool} keeps no ids of its writes.</p>`;
  if (audit === null) return markup`<p class="empty">Nothing to audit: the target is no stack of ours, or the scenario makes no write.</p>`;
  const rows: { name: string; count: number; ok?: boolean | null }[] = [
    { name: 'Acknowledged writes', count: audit.acknowledgedWrites },
    { name: 'Lost', count: audit.lost, ok: noneFound(audit.lost, audit) },
    { name: 'Duplicated', count: audit.duplicated, ok: noneFound(audit.duplicated, audit) },
    { name: 'Indeterminate (there once or not at all)', count: audit.indeterminate },
  ];
  const ledger = audit.ledgerBalanced;
  const differing = audit.differences.length > 0 && markup`<details open><summary>Writes that differ</summary>${table('Ids of the first differing writes.', [
    { title: 'Write', cell: (row: SummaryAudit['differences'][number]) => markup`<code>${row.writeId}</code>` },
    { title: 'Kind', cell: (row) => row.kind },
    { title: 'User', number: true, cell: (row) => row.userId },
    { title: 'Rows', number: true, cell: (row) => row.rows },
    { title: 'Finding', cell: (row) => markup`<span class="bad">${row.finding}</span>` },
  ], audit.differences.slice(0, 100))}</details>`;
  return markup`${table(`Each user’s writes compared with the database (${formatNumber(audit.usersCompared)} users).`, [
    { title: 'Writes', cell: (row: (typeof rows)[number]) => row.name },
    { title: 'Count', number: true, cell: (row) => formatNumber(row.count) },
    { title: 'Result', cell: (row) => (row.ok === undefined ? '' : status(okSign(row.ok))) },
  ], rows)}<p class="note">Ledger: ${status(ledger === null ? { icon: '◌', word: 'not read', tone: 'insufficient' } : ledger ? { icon: '✓', word: 'balanced', tone: 'pass' } : { icon: '✗', word: 'unbalanced', tone: 'fail' })}${audit.incomplete !== undefined && ` The audit did not end: ${audit.incomplete}.`}</p>${differing}`;
}

/** Every operation beside the others. */
export function operationSection(summary: Summary): Markup {
  const rows = Object.entries(summary.byOperation);
  const all = ['all', { operations: summary.operations, latencyMs: summary.latencyMs }] as const;
  return markup`<section><h2>Operations</h2><div class="card">${table('Response time of the hold, counted from the due time; service is the server’s part alone.', [
    { title: 'Operation', cell: ([op]: (typeof rows)[number]) => op },
    { title: 'Count', number: true, cell: ([, row]) => formatNumber(row.operations.total) },
    { title: 'Per s', number: true, cell: ([, row]) => formatNumber(row.operations.achievedPerS) },
    { title: 'Failed', number: true, cell: ([, row]) => (row.operations.failed === 0 ? '0' : markup`<span class="bad">${formatNumber(row.operations.failed)} (${formatPercent(row.operations.failedRatio)})</span>`) },
    { title: 'Refused', number: true, cell: ([, row]) => formatNumber(row.operations.refused) },
    ...(['p50', 'p90', 'p95', 'p99', 'p999', 'max'] as const).map((name) => ({
      title: name === 'p999' ? 'p99.9' : name, number: true, cell: ([, row]: (typeof rows)[number]) => formatMs(row.latencyMs.response[name]),
    })),
    { title: 'Service p95', number: true, cell: ([, row]) => formatMs(row.latencyMs.service.p95) },
  ], [...rows, [...all]])}</div></section>`;
}

/** Refusals that a scenario expects are no errors, and the chart shows them. */
function refusedClause({ series }: Summary): string {
  const refused = series.reduce((sum, point) => sum + point.refused, 0);
  return refused === 0 ? '' : `; ${formatNumber(refused)} were refused as the scenario expects, which is no failure`;
}

/** What went wrong, by kind, with the first example of each. */
export function errorSection(summary: Summary): Markup {
  if (summary.errors.length === 0) return markup`<section><h2>Errors</h2><div class="card"><p class="empty">No operation failed in any phase${refusedClause(summary)}.</p></div></section>`;
  return markup`<section><h2>Errors</h2><div class="card">${table('By kind, over all phases, with the first example of each.', [
    { title: 'Kind', cell: (error: Summary['errors'][number]) => error.kind },
    { title: 'Operation', cell: (error) => error.op },
    { title: 'Count', number: true, cell: (error) => formatNumber(error.count) },
    { title: 'First at', number: true, cell: (error) => (error.firstAtS === null ? missing : clockText(error.firstAtS)) },
    { title: 'First example', cell: (error) => markup`${error.firstMessage}${error.firstCorrelationId !== undefined && markup`<br><span class="note">correlation <code>${error.firstCorrelationId}</code></span>`}${error.firstStack !== undefined && markup`<details><summary>Stack</summary><pre>${error.firstStack}</pre></details>`}` },
  ], causesFirst(summary.errors))}</div></section>`;
}

/** Services log requests that took them this long, and failures. */
const loggedFromMs = 1_000;

/** For which of the slowest operations there are log lines to look up. */
function loggedClause({ slowest }: Summary): string {
  const logged = slowest.filter(({ serviceMs, status: code }) => serviceMs >= loggedFromMs || code === 0 || code >= 500).length;
  if (logged === 0) return 'None of them is in the logs of our services: these log requests over 1 s and failures.';
  return `Our services log requests over 1 s and failures, so that ${formatNumber(logged)} of these may be found, until the next load run, with sora logs --stack load --correlation ID (without --stack load where the run used the stack of sora up).`;
}

/** The worst single operations, each with its correlation id. */
export function slowestSection(summary: Summary): Markup {
  if (summary.slowest.length === 0) return markup``;
  return markup`<section><h2>Slowest operations</h2><div class="card">${table(`The 20 longest response times of the run. ${loggedClause(summary)}`, [
    { title: 'Operation', cell: (row: Summary['slowest'][number]) => row.op },
    { title: 'Response', number: true, cell: (row) => formatMs(row.responseMs) },
    { title: 'Service', number: true, cell: (row) => formatMs(row.serviceMs) },
    { title: 'Status', number: true, cell: (row) => (row.status === 0 ? 'none' : row.status) },
    { title: 'At', number: true, cell: (row) => clockText(row.atS) },
    { title: 'User, step', number: true, cell: (row) => `${row.user}, ${row.step}` },
    { title: 'Correlation', cell: (row) => markup`<code>${row.correlationId}</code>` },
  ], summary.slowest)}</div></section>`;
}

/** That each user really worked, and one of them in full. */
export function userSection(summary: Summary): Markup {
  const perUser = summary.operationsPerUser;
  const sampled = summary.sampledUser;
  return markup`<section><h2>Users</h2><div class="card"><p>${
    perUser === null
      ? `${summary.generator.tool} does not count what each user did.`
      : `${formatPercent(summary.usersCompletedRatio)} of ${summary.arrivalsQueued === undefined ? `${formatNumber(summary.users)} users` : `the users that were needed, of ${formatNumber(summary.users)} at most,`} completed an operation. Operations per user: fewest ${perUser.min}, p1 ${perUser.p1}, median ${perUser.p50}, p99 ${perUser.p99}, most ${perUser.max}.`
  }</p>${
    sampled !== null && markup`<details><summary>${sampled.history.length < historyMax ? 'Everything' : `The first ${formatNumber(historyMax)} steps`} user ${sampled.user} did</summary>${table(`${formatNumber(sampled.history.length)} steps in order${sampled.history.length < historyMax ? '' : '; no more are kept, so later ones may be missing'}.`, [
      { title: 'Due', cell: (step: (typeof sampled.history)[number]) => `${step.dueS.toFixed(3)} s` },
      { title: 'Operation', cell: (step) => step.op },
      { title: 'Thought', number: true, cell: (step) => formatSeconds(step.thinkTimeS) },
      { title: 'Outcome', cell: (step) => step.errorKind ?? step.outcome },
      { title: 'Response', number: true, cell: (step) => formatMs(step.responseMs) },
      { title: 'Requests', cell: (step) => step.requests.map((request) => markup`<div><code>${request.method} ${request.path}</code> ${request.status} in ${formatMs(request.serviceMs)}</div>`) },
    ], sampled.history)}</details>`
  }</div></section>`;
}

/** `one for each user, under Bun, from 4 source addresses, 400 opened`. */
function describeConnections({ transport, runtime, sourceAddresses, opened, retries, redirects }: NonNullable<Summary['generator']['connections']>): string {
  return [
    transport === 'pooled' ? 'pooled, shared by all users' : 'one for each user',
    `under ${runtime === 'bun' ? 'Bun' : 'Node'}`,
    ...(sourceAddresses === 0 ? [] : [`from ${formatNumber(sourceAddresses)} source ${sourceAddresses === 1 ? 'address' : 'addresses'}`]),
    `${formatNumber(opened)} opened`,
    ...(retries === 0 ? [] : [`${formatNumber(retries)} requests sent again`]),
    ...(redirects === 0 ? [] : [`${formatNumber(redirects)} redirects followed`]),
  ].join(', ');
}

/** What it cost: generator, the system's processes, the machine. */
export function machineSection(summary: Summary): Markup {
  const { generator, machine } = summary;
  return markup`<section><h2>Machine and processes</h2><div class="card">${facts([
    ['Processor', `${machine.cores} × ${machine.cpuModel}`],
    ['Memory', formatBytes(machine.memoryBytes)],
    ['Platform', machine.platform],
    ['Database disk', `${machine.fileSystem ?? 'unknown'}, fsync median ${formatMs(machine.fsyncMedianMs)}`],
    ['Durability', `fsync ${machine.fsync ?? 'unknown'}, synchronous_commit ${machine.synchronous_commit ?? 'unknown'}, full_page_writes ${machine.full_page_writes ?? 'unknown'}`],
    ['Generator', `${generator.tool}, ${generator.workers} ${generator.workers === 1 ? 'worker' : 'workers'}, ${formatNumber(generator.sockets)} sockets, ${generatorText(generator)}`],
    ...(generator.connections === undefined ? [] : [['Connections', describeConnections(generator.connections)] as const]),
  ])}</div>${summary.processes.length > 0 && markup`<div class="card" style="margin-top:16px">${table('Processes of the system under test over the run.', [
    { title: 'Process', cell: (row: Summary['processes'][number]) => row.name },
    { title: 'CPU µs an operation', number: true, cell: (row) => formatNumber(row.cpuUsPerOperation) },
    { title: 'Most memory', number: true, cell: (row) => formatBytes(row.rssMaxBytes) },
  ], summary.processes)}</div>`}<p class="note" style="margin-top:16px">The hold lasted ${formatSeconds(holdSeconds(summary))}; ramp and drain are not judged.</p></section>`;
}
