-- Tag scopes: an account or a token can access only tasks with one of its tags; without tags, all tasks. JSON arrays.
alter table users add column tags text not null default '[]';
alter table tokens add column tags text not null default '[]';

-- One row per task and tag, so that the tasks of a scope are found by index. Rows of a deleted task stay, marked as deleted,
-- as long as it has executions, which the scope may still read.
create table task_tags (
    tag text not null,
    task_id text not null,
    deleted boolean not null default false,
    primary key (tag, task_id)
) without rowid;

create index task_tags_task on task_tags (task_id);
create index task_tags_deleted on task_tags (task_id) where deleted;

insert into task_tags (tag, task_id) select distinct j.value, t.id from tasks t, json_each(t.tags) as j;

-- The audit log is append-only; triggers enforce it.
create trigger audit_no_update before update on audit
begin
    select raise(abort, 'the audit log is append-only');
end;

create trigger audit_no_delete before delete on audit
begin
    select raise(abort, 'the audit log is append-only');
end;
