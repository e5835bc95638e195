-- Tasks managed by a file: the file's name, and whether the file enables them.
alter table tasks add column managed_by text;
alter table tasks add column managed_enabled boolean;
