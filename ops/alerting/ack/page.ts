/** The page behind an acknowledge link: plain HTML, no script, readable on a telephone at night. */
import { formatDuration } from '../../core/duration.ts';

export interface AckPage {
  readonly title: string;
  readonly severity: string;
  readonly alerts: readonly { readonly name: string; readonly summary: string; readonly sinceMs: number; readonly fingerprint: string; readonly ackedBy?: string | undefined; readonly endedMs?: number | undefined; readonly runbook?: Runbook | undefined }[];
  /** Said instead of the form. */
  readonly notice?: string | undefined;
  readonly nowMs: number;
}

/** Where it is read; without an address, the path alone. */
export interface Runbook {
  readonly path: string;
  readonly url?: string | undefined;
}

/** Alerts that are named; the rest is counted. */
const namedMax = 20;

const style = `
:root { color-scheme: light dark; --ink: #16181d; --paper: #fbfbf9; --quiet: #5c6370; --line: #d9d9d3; --act: #0b57d0; --act-ink: #fff }
@media (prefers-color-scheme: dark) { :root { --ink: #e9e9e4; --paper: #14161a; --quiet: #a2a8b3; --line: #34383f; --act: #8ab4f8; --act-ink: #10131a } }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 1.25rem; max-width: 36rem; background: var(--paper); color: var(--ink); font: 1.0625rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere }
h1 { font-size: 1.375rem; line-height: 1.25; margin: 0 0 .25rem }
p, ul { margin: 0 0 1rem }
ul { padding: 0; list-style: none; border-top: 1px solid var(--line) }
li { padding: .625rem 0; border-bottom: 1px solid var(--line) }
small, .quiet { color: var(--quiet) }
a { color: var(--act) }
label { display: block; font-weight: 600; margin-bottom: .25rem }
input { width: 100%; min-height: 3rem; padding: .5rem .75rem; font: inherit; color: inherit; background: transparent; border: 1px solid var(--quiet); border-radius: .375rem; margin-bottom: 1rem }
button { width: 100%; min-height: 3rem; font: inherit; font-weight: 600; color: var(--act-ink); background: var(--act); border: 0; border-radius: .375rem; cursor: pointer }
:focus-visible { outline: 3px solid var(--act); outline-offset: 2px }
`;

/** A page that may say everything about the alerts and nothing to anybody else: see `ackHeaders`. */
export function renderAckPage(page: AckPage): string {
  const open = page.alerts.filter(({ ackedBy, endedMs }) => ackedBy === undefined && endedMs === undefined);
  const rows = page.alerts.slice(0, namedMax).map((alert) => `<li><strong>${escape(alert.name)}</strong><br>${escape(alert.summary)}<br><small>${escape(stateOf(alert, page.nowMs))}</small>${renderRunbook(alert.runbook)}</li>`);
  const rest = page.alerts.length - rows.length;
  const list = rows.length === 0 ? '' : `<ul>${rows.join('')}</ul>${rest > 0 ? `<p class="quiet">and ${rest} more</p>` : ''}`;
  const form = page.notice === undefined && open.length > 0 ? renderForm(open.map(({ fingerprint }) => fingerprint)) : '';
  const notice = page.notice === undefined ? '' : `<p role="status"><strong>${escape(page.notice)}</strong></p>`;
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex"><title>${escape(page.title)}</title><style>${style}</style></head><body><main><h1>${escape(page.title)}</h1>${page.severity === '' ? '' : `<p class="quiet">${escape(page.severity)}</p>`}${notice}${list}${form}</main></body></html>\n`;
}

function stateOf({ sinceMs, endedMs, ackedBy }: AckPage['alerts'][number], nowMs: number): string {
  const length = (fromMs: number, toMs: number): string => formatDuration(Math.floor(Math.max(0, toMs - fromMs) / 1_000) * 1_000);
  if (endedMs !== undefined) return `resolved ${length(endedMs, nowMs)} ago, after ${length(sinceMs, endedMs)}`;
  return `firing for ${length(sinceMs, nowMs)}, ${ackedBy === undefined ? 'not acknowledged' : `acknowledged by ${ackedBy}`}`;
}

function renderRunbook(runbook: Runbook | undefined): string {
  if (runbook === undefined) return '';
  return `<br><small>Runbook: ${runbook.url === undefined ? escape(runbook.path) : `<a href="${escape(runbook.url)}">${escape(runbook.path)}</a>`}</small>`;
}

function renderForm(fingerprints: readonly string[]): string {
  // No action: the form goes to the address it came from, which holds the token. It takes on what was shown and no more.
  return `<form method="post"><input type="hidden" name="fingerprints" value="${fingerprints.join(',')}"><label for="by">Your name</label><input id="by" name="by" required maxlength="100" autocomplete="name"><button>Acknowledge</button></form><p class="quiet">It will not be repeated or go to the next person until it resolves, or until something new fires.</p>`;
}

/** No copy, no referrer, no frame, no script, and a form that goes to us alone. */
export const ackHeaders: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'x-robots-tag': 'noindex, nofollow',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
};

function escape(text: string): string {
  const names: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return text.replaceAll(/[&<>"']/g, (letter) => names[letter] ?? letter);
}
