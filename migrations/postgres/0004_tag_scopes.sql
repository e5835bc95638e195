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
);

create index task_tags_task on task_tags (task_id);
create index task_tags_deleted on task_tags (task_id) where deleted;

insert into task_tags (tag, task_id)
select distinct j.value, t.id from tasks t, jsonb_array_elements_text(cast(t.tags as jsonb)) as j(value);

-- The audit log is append-only; triggers enforce it.
create function audit_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'the audit log is append-only';
end
$$;

create trigger audit_no_update before update or delete on audit for each row execute function audit_is_append_only();
create trigger audit_no_truncate before truncate on audit for each statement execute function audit_is_append_only();
