/** Keeps the state of rules in PostgreSQL, together with the transitions in the event log. */
import type { ClientBase, Pool, PoolClient } from 'pg';
import type { AlertTransition, RuleHealth } from '../alert.ts';
import type { EventDetails, NewEvent } from '../../core/event-log/event.ts';
import { emptyState } from '../lifecycle/state.ts';
import type { RuleState } from '../lifecycle/state.ts';

/** A change of a rule's health. */
export interface HealthChange {
  readonly atMs: number;
  readonly group: string;
  readonly rule: string;
  readonly from: RuleHealth;
  readonly to: RuleHealth;
  readonly error?: string | undefined;
}

/** What one evaluation of a group changed. */
export interface StateChange {
  readonly group: string;
  readonly states: readonly { readonly rule: string; readonly state: RuleState }[];
  /** Rows that are no longer wanted. */
  readonly dropped: readonly string[];
  readonly transitions: readonly AlertTransition[];
  readonly health: readonly HealthChange[];
}

export interface RuleStateStore {
  /** State of every rule that was saved, by group and rule. */
  load(): Promise<ReadonlyMap<string, ReadonlyMap<string, RuleState>>>;
  /** Everything of the change or nothing. */
  save(change: StateChange): Promise<void>;
}

export interface StateStoreOptions {
  readonly pool: Pool;
  readonly transaction: <Result>(work: (client: PoolClient) => Promise<Result>) => Promise<Result>;
  /** Appends to the event log within a transaction. */
  readonly appendEvents: (client: ClientBase, events: readonly NewEvent[]) => Promise<void>;
}

/** @param options of the control plane's database, whose migrations have run */
export function createRuleStateStore({ pool, transaction, appendEvents }: StateStoreOptions): RuleStateStore {
  return {
    async load() {
      const { rows } = await pool.query<{ rule_group: string; rule: string; state: unknown; evaluated_at_ms: number | string }>('select rule_group, rule, state, evaluated_at_ms from alert_state');
      const groups = new Map<string, Map<string, RuleState>>();
      for (const row of rows) {
        const rules = groups.get(row.rule_group) ?? new Map<string, RuleState>();
        groups.set(row.rule_group, rules.set(row.rule, { ...decodeState(row.state), evaluatedAtMs: Number(row.evaluated_at_ms) }));
      }
      return groups;
    },
    async save(change) {
      await transaction(async (client) => {
        await writeRows(client, change);
        // Last, as the log's lock is held to the end of the transaction.
        await appendEvents(client, eventsOf(change));
      });
    },
  };
}

async function writeRows(client: ClientBase, { group, states, dropped }: StateChange): Promise<void> {
  if (states.length > 0) {
    await client.query(
      `insert into alert_state (rule_group, rule, state, evaluated_at_ms)
       select $1, rule, state, evaluated_at_ms from unnest($2::text[], $3::jsonb[], $4::bigint[]) as row (rule, state, evaluated_at_ms)
       on conflict (rule_group, rule) do update set state = excluded.state, evaluated_at_ms = excluded.evaluated_at_ms`,
      [group, states.map(({ rule }) => rule), states.map(({ state }) => encodeState(state)), states.map(({ state }) => state.evaluatedAtMs ?? 0)],
    );
  }
  if (dropped.length > 0) await client.query('delete from alert_state where rule_group = $1 and rule = any ($2)', [group, dropped]);
}

/** As JSON, which knows neither NaN nor infinities, and in PostgreSQL neither the character 0 nor half a surrogate pair. */
export function encodeState(state: RuleState): string {
  return JSON.stringify(state, (_key, value: unknown) => {
    if (typeof value === 'number' && !Number.isFinite(value)) return { number: Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf' };
    return typeof value === 'string' ? value.toWellFormed().replaceAll('\0', '\ufffd') : value;
  });
}

/** @param stored what `encodeState` wrote, parsed */
export function decodeState(stored: unknown): RuleState {
  const state = JSON.parse(JSON.stringify(stored), (key, value: unknown) => {
    const special = key === 'value' && typeof value === 'object' && value !== null && 'number' in value ? value.number : undefined;
    return special === undefined ? value : special === 'NaN' ? Number.NaN : special === '+Inf' ? Infinity : -Infinity;
  }) as Partial<RuleState>;
  return { ...emptyState, ...state };
}

/** Bounds of the event log's schema. */
const wordMax = 200;
const textMax = 4_000;
const clip = (text: string, max: number): string => (text.length <= max ? text : `${text.slice(0, max - 1).toWellFormed()}\u2026`);
const clipAll = (labels: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(labels).map(([name, value]) => [clip(name, wordMax), clip(value, textMax)]));

/** Transitions and changes of health as events, in their order. */
export function eventsOf({ transitions, health }: Pick<StateChange, 'transitions' | 'health'>): NewEvent[] {
  const alerts = transitions.map(({ atMs, group, rule, fingerprint, labels, annotations, from, to, value, activeAtMs }): NewEvent => event(atMs, {
    kind: 'alert', group: clip(group, wordMax), rule: clip(rule, wordMax), fingerprint, labels: clipAll(labels), annotations: clipAll(annotations), from, to,
    value: Number.isNaN(value) ? 'NaN' : value === Infinity ? '+Inf' : value === -Infinity ? '-Inf' : value,
    activeAtMs: Math.max(0, Math.round(activeAtMs)),
  }));
  const changes = health.map(({ atMs, group, rule, from, to, error }): NewEvent => event(atMs, {
    kind: 'rule-health', group: clip(group, wordMax), rule: clip(rule, wordMax), from, to, ...(error === undefined ? {} : { error: clip(error, textMax) }),
  }));
  return [...alerts, ...changes];
}

const event = (atMs: number, details: EventDetails): NewEvent => ({ atMs: Math.max(0, Math.round(atMs)), actor: 'sora', details });
