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
) without rowid;

create index task_tags_task on task_tags (task_id);
create index task_tags_gone on task_tags (task_id) where gone;

insert into task_tags (tag, task_id) select distinct j.value, t.id from tasks t, json_each(t.tags) as j;

-- The audit is added to and never changed, whoever asks.
create trigger audit_never_changes before update on audit
begin
    select raise(abort, 'the audit is added to and never changed');
end;

create trigger audit_never_shrinks before delete on audit
begin
    select raise(abort, 'the audit is added to and never changed');
end;
