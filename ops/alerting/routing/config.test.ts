import { describe, expect, test } from 'vitest';
import { createNodeHost } from '../../core/node-host.ts';
import { parseRouting } from './config.ts';
import { resolveSettings } from './integration.ts';
import { loadRouting, routingFiles } from './load.ts';
import { parseReceivers } from './receivers-file.ts';
import { matchRoutes } from './route.ts';

const host = createNodeHost();
const root = new URL('../../..', import.meta.url).pathname;

function messageOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return (error as Error).message;
  }
  return 'nothing was refused';
}

describe('the routing file', () => {
  test('is refused with everything that is wrong in it, each with its line', () => {
    const found = messageOf(() => parseRouting('routing.yaml', `
route:
  receiver: nobody
  matchers: [a=b]
  continue: yes
  group_by: [a, '...']
  group_interval: 0s
  routes:
    - reciever: team
      match: { "not ok": x }
      match_re: { team: '(' }
    - matchers: ['a=b', '=c']
      group_wait: soon
      mute_time_intervals: [never]
receivers:
  - name: team
    opsgenie_configs: [{ api_key: x }]
  - name: team
    webhook_configs: [{ url: 'ftp://x/', max_alerts: many }]
time_intervals:
  - name: odd
    time_intervals: [{ times: [{ start_time: '10:00', end_time: '9:00' }], weekdays: [friday:monday], location: Mars }]
`));
    expect(found.split('\n')).toEqual([
      expect.stringMatching(/^routing.yaml:3: route.receiver: "nobody" is not one of the receivers \(team, team\)/),
      expect.stringMatching(/^routing.yaml:4: route.matchers: must not stand in the root/),
      expect.stringMatching(/^routing.yaml:5: route.continue: must not stand in the root/),
      expect.stringMatching(/^routing.yaml:6: route.group_by: /),
      expect.stringMatching(/^routing.yaml:7: route.group_interval: must not be 0/),
      expect.stringMatching(/^routing.yaml:9: route.routes\[0\].reciever: is not known here/),
      expect.stringMatching(/^routing.yaml:10: route.routes\[0\].match/),
      expect.stringMatching(/^routing.yaml:11: route.routes\[0\].match_re.team: /),
      expect.stringMatching(/^routing.yaml:12: route.routes\[1\].matchers\[1\]: /),
      expect.stringMatching(/^routing.yaml:13: route.routes\[1\].group_wait: "soon" is not a duration/),
      expect.stringMatching(/^routing.yaml:14: route.routes\[1\].mute_time_intervals\[0\]: "never" is not one of time_intervals/),
      expect.stringMatching(/^routing.yaml:17: receivers\[0\].opsgenie_configs: is known to Alertmanager/),
      expect.stringMatching(/^routing.yaml:18: receivers\[1\].name: "team" is there twice/),
      expect.stringMatching(/^routing.yaml:19: receivers\[1\].webhook_configs\[0\].url: is not an http or https address/),
      expect.stringMatching(/^routing.yaml:19: receivers\[1\].webhook_configs\[0\].max_alerts: "many"/),
      expect.stringMatching(/^routing.yaml:22: .*end_time: "9:00" is not a time/),
      expect.stringMatching(/^routing.yaml:22: .*weekdays\[0\]: "friday:monday" ends before it starts/),
      expect.stringMatching(/^routing.yaml:22: .*location: "Mars" is not a time zone/),
    ]);
  });

  test('is refused where its parts do not fit each other', () => {
    const found = messageOf(() => parseRouting('routing.yaml', `
route:
  receiver: nobody
  matchers: [a=b]
  continue: yes
  routes: [{ active_time_intervals: [never] }]
receivers: [{ name: team, slack_configs: [{ channel: '#a' }], email_configs: [{ to: a@example.test }] }, { name: team }]
`));
    expect(found).toContain('"nobody" is not one of the receivers (team, team)');
    expect(found).toContain('route.matchers: must not stand in the root');
    expect(found).toContain('route.continue: must not stand in the root');
    expect(found).toContain('"never" is not one of time_intervals');
    expect(found).toContain('receivers[1].name: "team" is there twice');
    expect(found).toContain('slack_configs[0]: api_url_file or app_token_file is missing');
    expect(found).toContain('email_configs[0]: smarthost is missing');
  });

  test('says what it does not use, and where a secret is written out', () => {
    const { warnings } = parseRouting('routing.yaml', `
global: { slack_api_url: 'https://example.test/secret' }
templates: ['*.tmpl']
route: { receiver: team }
receivers: [{ name: team, slack_configs: [{ channel: '#a', title: '{{ .x }}' }] }]
`);
    expect(warnings).toEqual([
      expect.stringContaining('templates is not used'),
      expect.stringContaining('global.slack_api_url is a secret written out'),
      expect.stringContaining('slack_configs[0].title is not used'),
    ]);
    expect(warnings.join()).not.toContain('example.test');
  });

  test('gives integrations the global settings where they have none', () => {
    const { receivers } = parseRouting('routing.yaml', `
global: { smtp_smarthost: 'mail.example.test:465', smtp_from: sora@example.test, slack_api_url: 'https://example.test/hook', pagerduty_url: 'https://example.test/v2/enqueue' }
route: { receiver: team }
receivers:
  - name: team
    slack_configs: [{ channel: '#a' }]
    email_configs: [{ to: 'a@example.test, b@example.test' }]
    pagerduty_configs: [{ routing_key: k }]
    webhook_configs: [{ url: 'https://example.test/', timeout: 0s, http_config: { authorization: { credentials: c } } }]
`);
    const settings = receivers[0]?.integrations.map((integration) => resolveSettings(host, 'team', integration, undefined));
    expect(settings).toMatchObject([
      { kind: 'slack', sendResolved: false, webhookUrl: 'https://example.test/hook', channel: '#a' },
      { kind: 'email', sendResolved: false, host: 'mail.example.test', port: 465, tls: 'implicit', to: ['a@example.test', 'b@example.test'] },
      { kind: 'pagerduty', sendResolved: true, apiBaseUrl: 'https://example.test', routingKey: 'k' },
      { kind: 'webhook', sendResolved: true, timeoutMs: 60_000, headers: { authorization: 'Bearer c' } },
    ]);
  });

  test('inherits along the tree as Alertmanager does', () => {
    const { root } = parseRouting('routing.yaml', `
route:
  receiver: team
  group_by: [a]
  repeat_interval: 1w
  routes:
    - { matchers: [x=1], group_by: ['...'], routes: [{ matchers: [y=1], group_by: [] }, { matchers: [y=2], group_by: [b] }] }
    - { matchers: [x=1] }
    - { matchers: [x=1] }
receivers: [{ name: team }]
`);
    expect(matchRoutes(root, { x: '1', y: '1' })).toMatchObject([{ key: '{}/{x="1"}/{y="1"}', groupBy: 'all', receiver: 'team', repeatIntervalMs: 604_800_000 }]);
    expect(matchRoutes(root, { x: '1', y: '2' })).toMatchObject([{ groupBy: ['b'] }]);
    expect(root.routes.map(({ key }) => key)).toEqual(['{}/{x="1"}', '{}/{x="1"}#2', '{}/{x="1"}#3']);
  });
});

describe('the receivers file', () => {
  const { receivers } = parseRouting('routing.yaml', 'route: { receiver: team }\nreceivers: [{ name: team, webhook_configs: [{ url: "https://example.test/" }] }]');
  const parse = (text: string, env: Record<string, string> = {}): ReturnType<typeof parseReceivers> => parseReceivers('receivers.yaml', text, receivers, ['page'], env);

  test('switches integrations on by the environment, and leaves their places as they are', () => {
    const text = `
receivers:
  team:
    policy: page
    integrations:
      - { kind: slack, webhook_url: '\${HOOK}' }
      - { kind: slack, bot_token: '\${TOKEN}', channel: '\${CHANNEL:-C1}' }
      - { kind: webhook, url: '\${URL}', signing_secret: '\${KEY:-}' }
      - { kind: log, only_if_none: true }
`;
    const on = parse(text, { TOKEN: 'xoxb', URL: 'https://example.test/2' });
    expect(on.receivers[0]).toMatchObject({ policy: 'page' });
    expect(on.receivers[0]?.integrations.map(({ kind, index }) => `${kind}[${index}]`)).toEqual(['webhook[0]', 'slack[1]', 'webhook[1]']);
    expect(on.off).toEqual([{ receiver: 'team', integration: 'slack[0]', missing: ['HOOK'] }]);
  });

  test('refuses secrets, fields it does not know, receivers and policies that do not exist', () => {
    const found = messageOf(() => parse(`
receivers:
  other: {}
  team:
    policy: none
    integrations:
      - { kind: slack, webhook_url: 'https://hooks.example.test/T/B/x', colour: red }
      - { kind: webhok, url: x }
      - { kind: log, only_if_none: perhaps, ur: x }
`));
    expect(found.split('\n')).toEqual([
      expect.stringMatching(/^receivers.yaml:3: receivers.other: is not one of the receivers/),
      expect.stringMatching(/^receivers.yaml:5: receivers.team.policy: "none" is not one of/),
      expect.stringMatching(/^receivers.yaml:7: .*webhook_url: is a secret: write \$\{NAME\}/),
      expect.stringMatching(/^receivers.yaml:7: .*colour: is not known here/),
      expect.stringMatching(/^receivers.yaml:8: .*kind: must be one of slack, /),
      expect.stringMatching(/^receivers.yaml:9: .*only_if_none: "perhaps" is neither true nor false/),
      expect.stringMatching(/^receivers.yaml:9: .*ur: is not known here/),
    ]);
    expect(found).not.toContain('hooks.example.test');
  });
});

describe('the files of the checkout', () => {
  const load = (env: Record<string, string>): ReturnType<typeof loadRouting> => loadRouting({ ...host, process: { ...host.process, env } }, routingFiles(root));

  test('log what critical, high, medium and low alerts are while nothing is configured', () => {
    const { config } = load({});
    for (const severity of ['critical', 'high', 'medium', 'low']) {
      const routes = matchRoutes(config.root, { alertname: 'A', severity });
      expect(routes.map(({ receiver }) => receiver)).toEqual([severity]);
      expect(config.receivers.find(({ name }) => name === severity)?.integrations.map(({ kind }) => kind)).toEqual(['log']);
    }
    expect(matchRoutes(config.root, { alertname: 'A', severity: 'critical', sora_rehearsal: 'run-1' }).map(({ receiver }) => receiver)).toEqual(['rehearsal']);
    expect(matchRoutes(config.root, { alertname: 'A', severity: 'critical' })).toMatchObject([{ groupWaitMs: 0 }]);
  });

  test('send what keeps alerts from being told by every way there is, but for a drill of it', () => {
    const { config } = load({});
    const receiverOf = (labels: Record<string, string>): string[] => matchRoutes(config.root, { alertname: 'NotificationsDead', service: 'control', ...labels }).map(({ receiver }) => receiver);
    expect(receiverOf({ severity: 'high' })).toEqual(['critical']);
    expect(receiverOf({ severity: 'medium' })).toEqual(['medium']);
    expect(receiverOf({ severity: 'high', sora_rehearsal: 'notification-refused-1/NotificationsDead' })).toEqual(['rehearsal']);
  });

  test('send to whoever is on call once everything is configured', () => {
    const people = Object.fromEntries(['FIRST', 'SECOND', 'LEAD'].flatMap((name) => [[`SORA_ONCALL_${name}_EMAIL`, `${name.toLowerCase()}@example.test`], [`SORA_ONCALL_${name}_PHONE`, '+15005550006']]));
    const { findSettings } = load({ ...people, SMTP_HOST: 'mail.example.test', SMTP_FROM: 'sora@example.test', PAGERDUTY_ROUTING_KEY: 'k', TWILIO_ACCOUNT_SID: 'AC1', TWILIO_AUTH_TOKEN: 't', TWILIO_FROM: '+15005550001' });
    expect(findSettings('critical', { kind: 'email', index: 0 }, 'lead')).toMatchObject({ to: ['lead@example.test'], port: 587, tls: 'required' });
    expect(findSettings('critical', { kind: 'sms', index: 0 }, 'second')).toMatchObject({ to: ['+15005550006'], accountSid: 'AC1' });
    expect(findSettings('critical', { kind: 'email', index: 0 }, 'somebody else')).toMatchObject({ to: [expect.stringMatching(/^(first|second)@/)] });
    expect(findSettings('critical', { kind: 'log', index: 0 })).toBeUndefined();
  });

  test('send to whoever stands in, where the message is for nobody in the file', () => {
    const people = Object.fromEntries(['FIRST', 'SECOND', 'LEAD'].flatMap((name) => [[`SORA_ONCALL_${name}_EMAIL`, `${name.toLowerCase()}@example.test`], [`SORA_ONCALL_${name}_PHONE`, '+15005550006']]));
    const { findSettings } = load({ ...people, SMTP_HOST: 'mail.example.test', SMTP_FROM: 'sora@example.test' });
    const nowMs = host.clock.nowMs();
    const override = { id: 'o', schedule: 'primary', person: 'lead', fromMs: nowMs - 60_000, toMs: nowMs + 60_000, createdAtMs: nowMs };
    expect(findSettings('critical', { kind: 'email', index: 0 }, undefined, [override])).toMatchObject({ to: ['lead@example.test'] });
  });

  test('are refused with all that is wrong in any of the three at once', () => {
    const texts: Record<string, string> = {
      routing: 'route: { receiver: lwo, group_wait: 30x }\nreceivers: [{ name: low }]\n',
      receivers: 'receivers:\n  low: { policy: pge, integrations: [{ kind: webhok }, { kind: log, ur: x }] }\n',
      oncall: 'people: { ada: { mail: x } }\nschedules: {}\npolicies: { page: { steps: [{ person: bob }] } }\n',
    };
    const readText = (path: string): string => texts[path] ?? '';
    const load = (): unknown => loadRouting({ ...host, files: { ...host.files, readText } }, { routing: 'routing', receivers: 'receivers', oncall: 'oncall' });
    for (const wrong of ['routing:1: route.group_wait', 'routing:1: route.receiver: "lwo"', 'receivers:2: receivers.low.integrations[0].kind', 'ur: is not known here', 'oncall:1: people.ada.mail', 'oncall:3: policies.page.steps[0].person: "bob" is not one of people (ada)']) expect(messageOf(load)).toContain(wrong);
    texts['oncall'] = 'people: { ada: {} }\nschedules: {}\npolicies: { page: { steps: [{ person: ada }] } }\n';
    expect(messageOf(load)).toContain('receivers.low.policy: "pge" is not one of the on-call file\'s policies (page)');
    texts['routing'] = 'route: { receiver: low }\nreceivers: [{ name: low }]\n';
    texts['receivers'] = 'receivers: { hgih: {} }\n';
    expect(messageOf(load)).toBe('receivers:1: receivers.hgih: is not one of the receivers of the routing file (low)');
  });

  test('are refused while somebody who may be paged cannot be reached', () => {
    expect(messageOf(() => load({ SMTP_HOST: 'mail.example.test', SMTP_FROM: 'sora@example.test' }))).toContain('receiver critical, email[0]: Team lead has no email in the on-call file');
  });
});
