-- For the audit, which reads the conversations one user began in one run.
create index conversations_by_creator on conversations (created_by, write_id);
