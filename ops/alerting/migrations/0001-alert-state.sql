-- Where the alerts of each rule stand, so that a restart forgets none; rows of rules that are no longer loaded are
-- resolved at the next start. The transitions themselves are in the event log, written in the same transaction.
create table alert_state (
  rule_group text not null,
  rule text not null,
  state jsonb not null,
  evaluated_at_ms bigint not null,
  primary key (rule_group, rule)
);
