/** What a person sees who opens the control plane's bare address, as messages name it: where to go from there. */
import type { RequestHandler } from 'express';

const text = `SORA's control plane: it watches the stack, evaluates rules and tells people.

In a terminal, in the folder of the checkout:
  npx sora alerts ls       what fires, and who is told
  npx sora incident ls     incidents
  npx sora query up        asks the metrics, with PromQL
  npx sora --help          all commands

To acknowledge an alert, open the link in its message, or: npx sora alerts ack ID
What each alert means is in runbooks/, how all of it works in docs/alerting.md.

For programs:
  /api/v1                  the API of Prometheus, for Grafana and others (a bearer token of the role viewer)
  /api/sora/v1             SORA's own API
  /metrics /readyz /livez  metrics and health
`;

/** A page for browsers, the same as text for all else; it says nothing about this installation, so nobody need prove who they are. */
export const rootPage: RequestHandler = (request, response, next) => {
  if (request.path !== '/' || (request.method !== 'GET' && request.method !== 'HEAD')) return next();
  if (request.accepts(['text', 'html']) !== 'html') return void response.type('text/plain').send(text);
  response.set('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'");
  response.type('text/html').send(`<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex"><title>SORA control plane</title><style>:root { color-scheme: light dark } body { margin: 0 auto; padding: 1.25rem; max-width: 48rem } pre { white-space: pre-wrap; font-size: 1rem; line-height: 1.5 }</style></head><body><main><h1>SORA control plane</h1><pre>${text}</pre></main></body></html>\n`);
};
