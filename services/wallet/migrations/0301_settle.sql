-- Both functions settle up to 10,000 items in the caller's transaction (READ COMMITTED). They lock users' accounts in
-- order of id and the system account last, so concurrent calls cannot deadlock as long as a transaction calls once.
-- Items are judged in array order exactly as if each had been sent alone: an earlier item's money can be spent by a
-- later one, and one that was refused takes nothing. A key is judged after its owner's account is locked, hence
-- duplicates in other transactions wait for us and then see our row.
-- The planner settings keep cached generic plans on the indexes: a plan made while the tables were small would
-- otherwise scan them until the next analyze.

-- Makes the wallets that are not there yet: FOR UPDATE locks nothing where no row is. The count is the cheap way to
-- learn that all exist, which is the rule.
create function wallet_open_accounts(ids bigint[]) returns void language plpgsql
set enable_seqscan = off as $$
begin
  if (select count(*) from wallet_accounts a where a.id = any (ids)) < (select count(distinct u.id) from unnest(ids) u(id)) then
    insert into wallet_accounts (id) select distinct u.id from unnest(ids) u(id) order by u.id on conflict do nothing;
  end if;
end $$;

create function wallet_charge(keys uuid[], payers bigint[], payees bigint[], amounts bigint[], kinds text[])
returns table(ord int, outcome text) language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
  names constant text[] := array['ok', 'replayed', 'conflict', 'insufficient'];
  count_all constant int := coalesce(cardinality(keys), 0);
  ids bigint[]; balances bigint[]; before bigint[]; shares bigint[];
  outcomes int[]; firsts int[]; winners int[]; payer_at int[]; payee_at int[];
  at int; winner int; revenue bigint := 0;
begin
  if count_all = 0 then return; end if;
  if count_all > 10000 then
    raise exception 'wallet_charge: % payments, at most 10000', count_all using errcode = 'invalid_parameter_value';
  end if;
  if count_all <> all (array[cardinality(payers), cardinality(payees), cardinality(amounts), cardinality(kinds)])
    or exists (select from unnest(keys, payers, payees, amounts, kinds) i(key, payer, payee, amount, kind)
      where (i.key is not null and i.amount between 1 and 1000000000000 and i.payer <> i.payee and i.payer < 9000000000000000
        and i.payee < 9000000000000000 and wallet_platform_percent(i.kind) is not null) is not true)
  then
    raise exception 'wallet_charge: each payment needs a key, two different users, 1 to 1000000000000 tokens, and a kind of chat, tip, gift or live'
      using errcode = 'invalid_parameter_value';
  end if;

  perform wallet_open_accounts(payers || payees);
  select array_agg(a.id), array_agg(a.balance) into ids, balances from (
    select id, balance from wallet_accounts where id = any (payers || payees) order by id for update) a;
  before := balances;

  -- Positions of both parties in `ids`, found by rank: the accounts are exactly the distinct parties.
  select array_agg(p.payer_at order by p.ord), array_agg(p.payee_at order by p.ord) into payer_at, payee_at from (
    select s.ord, max(s.at) filter (where s.pays) as payer_at, max(s.at) filter (where not s.pays) as payee_at from (
      select b.ord, b.pays, dense_rank() over (order by b.id)::int as at from (
        select u.ord, true as pays, u.id from unnest(payers) with ordinality u(id, ord)
        union all select u.ord, false, u.id from unnest(payees) with ordinality u(id, ord)) b) s
    group by s.ord) p;

  -- 0: not settled before. `firsts` is the first item of the same payer and key.
  select array_agg(j.known order by j.ord), array_agg(j.first order by j.ord), array_agg(j.share order by j.ord)
  into outcomes, firsts, shares from (
    select i.ord, coalesce(t.known, 0) as known, (min(i.ord) over (partition by i.payer, i.key))::int as first,
      i.amount * wallet_platform_percent(i.kind) / 100 as share
    from unnest(keys, payers, payees, amounts, kinds) with ordinality i(key, payer, payee, amount, kind, ord)
    left join lateral (
      select case when (w.payee_id, w.amount, w.kind) = (i.payee, i.amount, i.kind) then 2 else 3 end as known
      from wallet_transfers w where w.payer_id = i.payer and w.write_id = i.key and w.payer_id < 9000000000000000
      offset 0) t on true) j;
  winners := array_fill(0, array[count_all]);

  for i in 1 .. count_all loop
    continue when outcomes[i] > 0;
    winner := winners[firsts[i]];
    if winner > 0 then
      outcomes[i] := case when payees[i] = payees[winner] and amounts[i] = amounts[winner] and kinds[i] = kinds[winner] then 2 else 3 end;
    elsif balances[payer_at[i]] < amounts[i] then
      outcomes[i] := 4;
    else
      outcomes[i] := 1;
      winners[firsts[i]] := i;
      at := payer_at[i];
      balances[at] := balances[at] - amounts[i];
      at := payee_at[i];
      balances[at] := balances[at] + amounts[i] - shares[i];
      revenue := revenue + shares[i];
    end if;
  end loop;

  if 1 = any (outcomes) then
    with accepted as materialized (
      select nextval('wallet_transfers_id_seq') as id, i.* from
        unnest(keys, payers, payees, amounts, kinds, shares, outcomes) i(key, payer, payee, amount, kind, share, outcome)
      where i.outcome = 1
    ), recorded as (
      insert into wallet_transfers (id, payer_id, payee_id, amount, platform_share, write_id, kind)
      select a.id, a.payer, a.payee, a.amount, a.share, a.key, a.kind from accepted a
    )
    insert into wallet_entries (account_id, transfer_id, amount)
    select e.account_id, a.id, e.amount from accepted a cross join lateral (values
      (a.payer, -a.amount), (a.payee, a.amount - a.share), (9000000000000000, a.share)) e(account_id, amount)
    where e.amount <> 0;

    update wallet_accounts w set balance = c.balance from unnest(ids, balances, before) c(id, balance, before)
    where w.id = c.id and c.balance <> c.before;
    if revenue > 0 then
      -- Last and once: this row is the one all payments share.
      update wallet_accounts set balance = balance + revenue where id = 9000000000000000;
    end if;
  end if;

  return query select o.ord::int, names[o.outcome] from unnest(outcomes) with ordinality o(outcome, ord);
end $$;

create function wallet_credit(keys uuid[], users bigint[], amounts bigint[], kinds text[])
returns table(ord int, outcome text) language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
  count_all constant int := coalesce(cardinality(keys), 0);
  outcomes text[]; issued bigint;
begin
  if count_all = 0 then return; end if;
  if count_all > 10000 then
    raise exception 'wallet_credit: % credits, at most 10000', count_all using errcode = 'invalid_parameter_value';
  end if;
  if count_all <> all (array[cardinality(users), cardinality(amounts), cardinality(kinds)])
    or exists (select from unnest(keys, users, amounts, kinds) i(key, user_id, amount, kind)
      where (i.key is not null and i.amount between 1 and 1000000000000 and i.user_id < 9000000000000000
        and i.kind is not null and wallet_platform_percent(i.kind) is null) is not true)
  then
    raise exception 'wallet_credit: each credit needs a key, a user, 1 to 1000000000000 tokens, and a kind that is no payment''s'
      using errcode = 'invalid_parameter_value';
  end if;

  perform wallet_open_accounts(users);
  perform from wallet_accounts where id = any (users) order by id for update;

  select array_agg(case
      when t.known is not null then t.known
      when j.ord = j.first then 'ok'
      when j.amount = amounts[j.first] and j.kind = kinds[j.first] then 'replayed'
      else 'conflict' end order by j.ord) into outcomes
  from (select i.*, min(i.ord) over (partition by i.user_id, i.key) as first
    from unnest(keys, users, amounts, kinds) with ordinality i(key, user_id, amount, kind, ord)) j
  left join lateral (
    select case when w.amount = j.amount and w.kind = j.kind then 'replayed' else 'conflict' end as known
    from wallet_transfers w where w.payee_id = j.user_id and w.write_id = j.key and w.payer_id = 9000000000000001
    offset 0) t on true;

  with accepted as materialized (
    select nextval('wallet_transfers_id_seq') as id, i.* from
      unnest(keys, users, amounts, kinds, outcomes) i(key, user_id, amount, kind, outcome)
    where i.outcome = 'ok'
  ), recorded as (
    insert into wallet_transfers (id, payer_id, payee_id, amount, write_id, kind)
    select a.id, 9000000000000001, a.user_id, a.amount, a.key, a.kind from accepted a
  ), entered as (
    insert into wallet_entries (account_id, transfer_id, amount)
    select e.account_id, a.id, e.amount from accepted a cross join lateral (values
      (a.user_id, a.amount), (9000000000000001, -a.amount)) e(account_id, amount)
  ), paid as (
    update wallet_accounts w set balance = w.balance + c.amount
    from (select a.user_id, sum(a.amount)::bigint as amount from accepted a group by a.user_id) c
    where w.id = c.user_id
  )
  select sum(a.amount)::bigint into issued from accepted a;
  if issued > 0 then
    update wallet_accounts set balance = balance - issued where id = 9000000000000001;
  end if;

  return query select o.ord::int, o.outcome from unnest(outcomes) with ordinality o(outcome, ord);
end $$;
