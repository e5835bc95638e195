-- How many runs a node executes at once; 0 for nodes recorded before this column existed.
alter table nodes add column workers bigint not null default 0;

-- Named list filters of an account.
create table saved_views (
    id text not null primary key,
    user_id text not null references users (id) on delete cascade,
    -- 'tasks' or 'executions'.
    list text not null,
    name text not null,
    -- The filter, as the query string of the list's URL.
    query text not null,
    created_at bigint not null
);

create unique index saved_views_name on saved_views (user_id, list, name);

-- Covering index for the distinct tags offered by the task list.
create index tasks_tags on tasks (tags) where tags <> '[]';

-- Unsuccessful executions of one task, listed and counted without reading its other executions.
create index executions_unsuccessful on executions (task_id, status, id) where status not in ('queued', 'running', 'succeeded');
