-- An account or a token sees and touches only tasks with one of its tags; without any, all tasks. JSON arrays.
alter table users add column tags text not null default '[]';
alter table tokens add column tags text not null default '[]';

-- The tags of each task, kept with it, so that those of a team are found at once. What a deleted task had stays (gone)
-- as long as it has executions on record, which its team may still see.
create table task_tags (
    tag text not null,
    task_id text not null,
    gone boolean not null default false,
    primary key (tag, task_id)
);

create index task_tags_task on task_tags (task_id);
create index task_tags_gone on task_tags (task_id) where gone;

insert into task_tags (tag, task_id)
select distinct j.value, t.id from tasks t, jsonb_array_elements_text(cast(t.tags as jsonb)) as j(value);

-- The audit is added to and never changed, whoever asks.
create function audit_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'the audit is added to and never changed';
end
$$;

create trigger audit_never_changes before update or delete on audit for each row execute function audit_is_append_only();
create trigger audit_never_empties before truncate on audit for each statement execute function audit_is_append_only();
