-- How many runs a node takes at once: 0 of those that ran before this was recorded.
alter table nodes add column workers bigint not null default 0;

-- Filters of the lists that a person has given a name.
create table saved_views (
    id text not null primary key,
    user_id text not null references users (id) on delete cascade,
    -- tasks or executions.
    list text not null,
    name text not null,
    -- The filter, as the query of the list's address.
    query text not null,
    created_at bigint not null
) without rowid;

create unique index saved_views_name on saved_views (user_id, list, name);

-- The tags in use are read for the list of tasks: from here, not from the tasks themselves.
create index tasks_tags on tasks (tags) where tags <> '[]';

-- What did not go well of one task, found and counted without a look at its other executions.
create index executions_trouble on executions (task_id, status, id) where status not in ('queued', 'running', 'succeeded');
