-- What the seeder put into this database: at most one row. `state` is `filling` until all of it is there.
create table seed_info (
  id int primary key default 1 check (id = 1),
  state text not null check (state in ('filling', 'complete')),
  seeder_version int not null,
  seed bigint not null,
  users bigint not null,
  posts bigint not null,
  conversations bigint not null,
  admin_id bigint not null
);
