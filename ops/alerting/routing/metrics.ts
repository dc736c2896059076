/** What routing tells of itself. */
import { Counter, Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import type { AlertmanagerPoster } from '../alertmanager/post.ts';
import type { Routing } from './service.ts';

/**
 * Declares `sora_routing_notifications_total`, `sora_routing_alerts_held_total{reason}`, `sora_routing_alerts_refused_total`,
 * `sora_routing_failures_total`, `sora_routing_loops_total`, `sora_routing_groups`, `sora_routing_silences` and, with an
 * outside Alertmanager, `sora_alertmanager_alerts_total{outcome}` and `sora_alertmanager_failures_total`.
 */
export function watchRouting(registry: Registry, routing: Routing, poster: AlertmanagerPoster | undefined): void {
  const registers = [registry];
  const counter = (name: string, help: string, read: () => number): void => {
    const metric: Counter = new Counter({
      name, help, registers,
      collect() {
        metric.reset();
        metric.inc(read());
      },
    });
  };
  const gauge = (name: string, help: string, read: () => number): void => {
    const metric: Gauge = new Gauge({ name, help, registers, collect: () => metric.set(read()) });
  };
  counter('sora_routing_notifications_total', 'Notifications that routing decided', () => routing.counts().notifications);
  counter('sora_routing_alerts_refused_total', 'Alerts for which there was no room in a group', () => routing.counts().refused);
  counter('sora_routing_failures_total', 'Decisions that could not be written and were made again', () => routing.counts().failures);
  counter('sora_routing_loops_total', 'Messages of an outside Alertmanager refused as they had been delivered before', () => routing.counts().loops);
  const held: Counter = new Counter({
    name: 'sora_routing_alerts_held_total', help: 'Alerts that were not told when their group was, by reason', labelNames: ['reason'], registers,
    collect() {
      held.reset();
      for (const [reason, count] of Object.entries(routing.counts().held)) held.inc({ reason }, Number(count));
    },
  });
  gauge('sora_routing_groups', 'Groups of alerts', () => Object.keys(routing.observed().state.groups).length);
  gauge('sora_routing_silences', 'Silences that have not ended', () => routing.observed().state.silences.filter(({ endedAtMs }) => endedAtMs === undefined).length);
  if (poster === undefined) return;
  const posted: Counter = new Counter({
    name: 'sora_alertmanager_alerts_total', help: 'Alerts handed to the outside Alertmanager, or dropped as there were too many', labelNames: ['outcome'], registers,
    collect() {
      posted.reset();
      posted.inc({ outcome: 'posted' }, poster.counts().posted);
      posted.inc({ outcome: 'dropped' }, poster.counts().dropped);
    },
  });
  counter('sora_alertmanager_failures_total', 'Posts that the outside Alertmanager did not take', () => poster.counts().failures);
}
