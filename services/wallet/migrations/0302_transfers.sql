-- POST /wallet/transfers, many at once: charges those whose recipient exists and answers the transfer of each item
-- that stands, new or repeated. Called alone in a transaction of its own.
create function wallet_transfer(keys uuid[], payers bigint[], payees bigint[], amounts bigint[], kinds text[])
returns table(outcome text, id bigint, platform_share bigint, created_at timestamptz) language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
  kept int[]; outcomes text[]; charged text[];
begin
  select array_agg(i.ord::int order by i.ord) into kept from unnest(payees) with ordinality i(payee, ord)
  where exists (select from accounts a where a.id = i.payee offset 0);
  outcomes := array_fill('unknown_recipient'::text, array[cardinality(keys)]);

  if kept is not null then
    select array_agg(c.outcome order by c.ord) into charged from (
      select array_agg(i.key order by i.ord) as keys, array_agg(i.payer order by i.ord) as payers,
        array_agg(i.payee order by i.ord) as payees, array_agg(i.amount order by i.ord) as amounts,
        array_agg(i.kind order by i.ord) as kinds
      from unnest(keys, payers, payees, amounts, kinds) with ordinality i(key, payer, payee, amount, kind, ord)
      where i.ord = any (kept)) k, wallet_charge(k.keys, k.payers, k.payees, k.amounts, k.kinds) c;
    for i in 1 .. cardinality(kept) loop
      outcomes[kept[i]] := charged[i];
    end loop;
  end if;

  return query
    select o.outcome, t.id, t.platform_share, t.created_at
    from unnest(outcomes, payers, keys) with ordinality o(outcome, payer, key, ord)
    left join lateral (select w.id, w.platform_share, w.created_at from wallet_transfers w
      where w.payer_id = o.payer and w.write_id = o.key and w.payer_id < 9000000000000000
        and o.outcome in ('ok', 'replayed') offset 0) t on true
    order by o.ord;
end $$;
