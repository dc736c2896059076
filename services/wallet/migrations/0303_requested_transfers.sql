-- Payers of asked-for transfers are users: said here, the index on (payer_id, write_id) serves the audit of one user,
-- which read the whole table before.
create or replace view wallet_requested_transfers as
  select id, payer_id as user_id, write_id, created_at from wallet_transfers
  where kind in ('tip', 'gift', 'live') and payer_id < 9000000000000000;
