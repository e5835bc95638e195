-- Times are milliseconds since 1970-01-01 UTC. Ids are ULIDs, except those of tasks.

create table tasks (
    id text collate "C" not null primary key,
    name text not null,
    description text not null,
    tags text not null,
    task_type text not null,
    trigger_kind text not null,
    trigger_rule text not null,
    schedule_text text not null,
    params text not null,
    enabled boolean not null,
    policy text not null,
    chain text not null default '[]',
    -- Tells a task from one of the same id that was deleted before.
    task_key text not null default '',
    -- The other tasks that this one names, with their keys: a JSON object by id.
    task_references text not null default '{}',
    version bigint not null,
    created_at bigint not null,
    updated_at bigint not null,
    anchor_at bigint not null,
    next_run_at bigint,
    next_rule_at bigint,
    run_count bigint not null default 0,
    success_count bigint not null default 0,
    failure_count bigint not null default 0,
    last_run_at bigint,
    last_status text,
    last_duration_ms bigint
);

create index tasks_next on tasks (next_run_at) where next_run_at is not null;
create index tasks_chain on tasks (id) where chain <> '[]';
create index tasks_idle on tasks (trigger_kind) where trigger_kind = 'idle';

create table executions (
    id text collate "C" not null primary key,
    task_id text not null,
    task_type text not null,
    task_version bigint,
    schedule_text text not null,
    cause text not null,
    status text not null,
    attempt bigint not null,
    scheduled_at bigint not null,
    queued_at bigint not null,
    started_at bigint,
    finished_at bigint,
    lateness_ms bigint,
    duration_ms bigint,
    retry_at bigint,
    cancel_requested boolean not null default false,
    -- How often the process died during this execution.
    crashes bigint not null default 0,
    node text,
    node_id text,
    requested_by text,
    idempotency_key text,
    started_by text,
    -- In English.
    error text,
    -- Code and arguments of the error as JSON; null for a text from outside.
    error_message text,
    params text not null,
    rendered_params text,
    result text
);

-- At most one execution per scheduled time of a task.
create unique index executions_occurrence on executions (task_id, scheduled_at) where cause in ('schedule', 'catch_up');
create unique index executions_idempotency on executions (task_id, idempotency_key) where idempotency_key is not null;
create index executions_started_by on executions (started_by) where started_by is not null;
create index executions_task on executions (task_id, id);
create index executions_type on executions (task_type, id);
-- Final executions by status; queued and running ones are in executions_active.
create index executions_status on executions (status, id) where status not in ('queued', 'running');
create index executions_cause on executions (cause, id) where cause <> 'schedule';
create index executions_active on executions (task_id) where status in ('queued', 'running');
create index executions_retry on executions (retry_at) where retry_at is not null;

-- Retried attempts. The latest attempt is the execution's own row.
create table attempts (
    execution_id text not null,
    attempt bigint not null,
    status text not null,
    started_at bigint,
    finished_at bigint,
    duration_ms bigint,
    error text,
    error_message text,
    node text,
    primary key (execution_id, attempt)
);

create table outputs (
    execution_id text not null,
    attempt bigint not null,
    seq bigint not null,
    stream text not null,
    at bigint not null,
    text text not null,
    primary key (execution_id, attempt, seq)
);

create table nodes (
    id text collate "C" not null primary key,
    name text not null,
    version text not null,
    started_at bigint not null,
    last_seen_at bigint not null
);

create table users (
    id text collate "C" not null primary key,
    name text not null,
    role text not null,
    password_hash text,
    -- Dangerous task types that this account may use regardless of its role: a JSON array.
    grants text not null default '[]',
    disabled boolean not null default false,
    created_at bigint not null,
    last_seen_at bigint
);

create unique index users_name on users (lower(name));

create table sessions (
    secret_hash text not null primary key,
    user_id text not null references users (id) on delete cascade,
    created_at bigint not null,
    used_at bigint not null,
    expires_at bigint not null
);

create table tokens (
    id text not null primary key,
    secret_hash text not null unique,
    user_id text not null references users (id) on delete cascade,
    name text not null,
    role text not null,
    created_at bigint not null,
    expires_at bigint,
    used_at bigint
);

-- Values are encrypted by Belfry; the key is not in the database.
create table secrets (
    name text not null primary key,
    ciphertext text not null,
    -- The tasks that may use it: a JSON object with their tags, and their ids with the keys; empty: all.
    limits text not null default '{}',
    created_at bigint not null,
    updated_at bigint not null,
    updated_by text not null
);

create index sessions_user on sessions (user_id);
create index tokens_user on tokens (user_id);

-- The definition of each task after each change.
create table task_versions (
    task_id text not null,
    version bigint not null,
    at bigint not null,
    author text not null,
    content text not null,
    primary key (task_id, version)
);

-- The audit log. Append-only.
create table audit (
    id text not null primary key,
    at bigint not null,
    actor text not null,
    via text not null,
    address text,
    action text not null,
    target text not null,
    before text,
    after text
);

create index audit_actor on audit (actor, id);
create index audit_action on audit (action, id);
create index audit_target on audit (target, id);
