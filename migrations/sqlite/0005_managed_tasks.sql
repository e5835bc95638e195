-- Tasks that a file keeps: which file, and whether they are enabled as the file says.
alter table tasks add column managed_by text;
alter table tasks add column managed_enabled boolean;
