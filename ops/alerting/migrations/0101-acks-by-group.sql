-- An acknowledgement by a group's link is of that group alone: its row is named by the alert and the group.
alter table alerting_ack rename column fingerprint to id;
