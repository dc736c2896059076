-- The control plane that works on this database, by an id drawn at its start. One that lost its connection finds out here
-- whether another has worked on it meanwhile.
create table control_holder (
  id integer primary key default 1 check (id = 1),
  instance text not null,
  since timestamptz not null default now()
);
