import type { Host, Timer } from '../../ops/core/host.ts';
import { tracingOff, type Tracing } from '../../ops/telemetry/tracing.ts';
import { Admission, type Waiter } from './admission.ts';
import type { GatewayConfig } from './config.ts';
import type { Listener, Network, Wire } from './contract.ts';
import { HexIds } from './correlation.ts';
import { FailureLog, type GatewayFailure, type WarningLog } from './failure-log.ts';
import type { TrustedPeers } from './forwarded.ts';
import { HealthProbe, probePeriodMs } from './health.ts';
import { GatewayMetrics } from './metrics.ts';
import { RetryBudget } from './retry-budget.ts';
import { ClientSession } from './session.ts';
import type { SessionPort } from './session-port.ts';
import { Upstream, type Exchange, type UpstreamConnection } from './upstream.ts';

const sweepMs = 250;
const expireMs = 3;
/** Most client connections; further ones are closed at once. */
const sessionsMax = 15_000;

/** The front door: sessions on one side, upstreams on the other, admission between them. */
export class Gateway implements SessionPort<ClientSession> {
  readonly #host: Host;
  readonly #network: Network;
  readonly #ids: HexIds;
  readonly #sessions = new Set<ClientSession>();
  readonly #probes: readonly HealthProbe[];
  readonly #timers: Timer[] = [];
  readonly #retries = new RetryBudget();
  readonly #failures: FailureLog;
  #expiry: Timer | undefined;
  #turn = 0;
  #listener: Listener | undefined;
  #idleWaiters: (() => void)[] = [];
  readonly peers: TrustedPeers;
  readonly tracing: Tracing;
  readonly upstreams: readonly Upstream[];
  readonly admission: Admission;
  readonly metrics: GatewayMetrics;
  coarseMs: number;
  draining = false;

  constructor(host: Host, config: GatewayConfig, network: Network, tracing: Tracing = tracingOff, log: WarningLog = { warn: () => {} }) {
    this.#host = host;
    this.#network = network;
    this.#ids = new HexIds(host.random);
    this.tracing = tracing;
    this.#failures = new FailureLog(log);
    this.peers = config.peers;
    this.coarseMs = host.clock.monotonicMs();
    this.admission = new Admission({ ceiling: config.concurrencyMax });
    this.upstreams = config.upstreams.map(({ name, address }) => new Upstream(name, address, network, () => this.coarseMs));
    this.#probes = this.upstreams.map((upstream) => new HealthProbe(upstream, () => this.monotonicMs()));
    this.metrics = new GatewayMetrics(this);
  }

  /** Starts checking health and listening. @throws SoraError `invalid_config` when the port is taken */
  async start(listenHost: string, port: number): Promise<Listener> {
    const { timers } = this.#host;
    this.#timers.push(timers.every(sweepMs, () => this.#sweep()), timers.every(probePeriodMs, () => this.#probe()));
    this.#probe();
    this.#listener = await this.#network.listen(listenHost, port, (wire) => this.accept(wire));
    return this.#listener;
  }

  get ready(): boolean {
    return !this.draining && this.upstreams.some((upstream) => upstream.isUp);
  }

  get sessions(): number {
    return this.#sessions.size;
  }

  accept(wire: Wire): ClientSession {
    const session = new ClientSession(this, wire);
    this.#sessions.add(session);
    this.metrics.connections++;
    if (this.#sessions.size > sessionsMax || this.draining) {
      this.metrics.connectionsRefused++;
      wire.destroy();
    }
    return session;
  }

  /** Stops listening, lets what is in flight finish for at most `graceMs`, then drops the rest. */
  async stop(graceMs: number): Promise<void> {
    this.draining = true;
    this.#listener?.close();
    for (const session of this.#sessions) session.onDraining();
    if (this.#sessions.size > 0) {
      let deadline: Timer | undefined;
      await new Promise<void>((resolve) => {
        this.#idleWaiters.push(resolve);
        deadline = this.#host.timers.after(graceMs, resolve);
      });
      deadline?.cancel();
    }
    for (const timer of this.#timers) timer.cancel();
    this.#expiry?.cancel();
    for (const session of this.#sessions) session.destroy();
    for (const upstream of this.upstreams) upstream.closeIdle();
    this.#failures.endWindows(Infinity);
  }

  monotonicMs(): number {
    return this.#host.clock.monotonicMs();
  }

  nextCorrelationId(): string {
    return this.#ids.next(12);
  }

  enter(waiter: Waiter): 'go' | 'wait' | 'refused' {
    const nowMs = this.monotonicMs();
    const verdict = this.admission.enter(waiter, nowMs);
    if (verdict === 'wait') this.#expiry ??= this.#host.timers.after(expireMs, () => this.#expire());
    return verdict;
  }

  leave(waiter: Waiter): void {
    this.admission.leave(waiter);
  }

  finish(sinceMs: number | undefined): void {
    const nowMs = this.monotonicMs();
    const latencyMs = sinceMs === undefined ? undefined : nowMs - sinceMs;
    if (latencyMs !== undefined) this.metrics.observe(latencyMs);
    this.admission.finish(nowMs, latencyMs);
  }

  forward(exchange: Exchange, isRetry: boolean): UpstreamConnection | undefined {
    const upstream = this.#pick();
    if (upstream === undefined) return undefined;
    if (!isRetry) this.#retries.earn();
    return upstream.start(exchange, isRetry);
  }

  takeRetry(): boolean {
    return this.#retries.spend();
  }

  get retriesSpent(): number {
    return this.#retries.spent;
  }

  countReply(status: number): void {
    this.metrics.countReply(status);
  }

  failed(failure: GatewayFailure): void {
    this.metrics.countFailure(failure.code);
    this.#failures.report(failure, this.coarseMs);
  }

  closed(session: ClientSession): void {
    this.#sessions.delete(session);
    if (this.draining && this.#sessions.size === 0) for (const wake of this.#idleWaiters.splice(0)) wake();
  }

  /** The one that is up with the fewest requests in flight; ties go round. */
  #pick(): Upstream | undefined {
    const { upstreams } = this;
    let best: Upstream | undefined;
    this.#turn = (this.#turn + 1) % upstreams.length;
    for (let step = 0; step < upstreams.length; step++) {
      const upstream = upstreams[(this.#turn + step) % upstreams.length] as Upstream;
      if (upstream.isUp && (best === undefined || upstream.inFlight < best.inFlight)) best = upstream;
    }
    return best;
  }

  #expire(): void {
    this.admission.expire(this.monotonicMs());
    this.#expiry = this.admission.queued > 0 ? this.#host.timers.after(expireMs, () => this.#expire()) : undefined;
  }

  #sweep(): void {
    this.coarseMs = this.monotonicMs();
    this.admission.endWindow(this.coarseMs);
    this.#failures.endWindows(this.coarseMs);
    for (const session of this.#sessions) if (session.deadlineMs < this.coarseMs) session.onDeadline();
    for (const upstream of this.upstreams) upstream.sweep(this.coarseMs);
  }

  #probe(): void {
    for (const probe of this.#probes) probe.run();
  }
}
