import express from 'express';
import type { Router } from 'express';
import { requireRole } from '../../control/auth.ts';
import type { RouteToken } from '../../control/auth.ts';
import { apiPrefix } from '../../control/client.ts';
import { SoraError } from '../../core/error.ts';
import type { Routing } from '../routing/service.ts';
import { acceptPayload, webhookPayload } from './webhook.ts';

export interface WebhookDeps {
  readonly routing: Routing;
  /** Hears of a message that went round. */
  readonly onLoop: () => void;
}

/** A token that is good for the webhook and nothing else: it stands in a file of Alertmanager's. */
export function webhookRouteToken(token: string): RouteToken {
  return { method: 'POST', path: `${apiPrefix}/alertmanager/webhook`, token, identity: { role: 'operator', actor: 'alertmanager' } };
}

/** `POST /webhook`, where an outside Alertmanager hands over what it grouped; mounted at `/api/sora/v1/alertmanager`. */
export function alertmanagerWebhookRoutes({ routing, onLoop }: WebhookDeps): Router {
  const router = express.Router();
  router.post('/webhook', requireRole('operator'), async (request, response) => {
    const payload = webhookPayload.parse(request.body);
    try {
      response.json(await routing.change((before, observed, nowMs) => acceptPayload(before, observed, payload, nowMs)));
    } catch (error) {
      if (error instanceof SoraError && error.code === 'alert_loop') {
        routing.noteLoop();
        onLoop();
      }
      throw error;
    }
  });
  return router;
}
