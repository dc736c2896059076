-- For the workers, which delete tokens that have been expired for a day, the oldest first.
create index account_refresh_tokens_by_expiry on account_refresh_tokens (expires_at);
