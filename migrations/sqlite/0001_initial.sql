-- Times are milliseconds since 1970-01-01 UTC. Ids are ULIDs, except those of tasks.

create table tasks (
    id text not null primary key,
    name text not null,
    -- Folded texts, written by Belfry: the name, for sorting; id, name, description and tags, for searches.
    name_key text not null,
    search_key text not null,
    description text not null,
    tags text not null,
    task_type text not null,
    trigger_kind text not null,
    trigger_rule text not null,
    -- Several rules and calendars, see `domain/schedule/settings.rs`: a JSON object.
    schedule text not null default '{}',
    schedule_text text not null,
    params text not null,
    enabled boolean not null,
    policy text not null,
    chain text not null default '[]',
    -- The values that a run asks for, see `domain/run_input.rs`.
    inputs text not null default '[]',
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
    -- The pause of a task that is not enabled: its length, the first occurrence that is not on record without and with jitter, and when
    -- the scheduler has to look at it.
    paused_since bigint,
    paused_until bigint,
    paused_by text,
    pause_reason text,
    pause_rule_at bigint,
    pause_run_at bigint,
    pause_event_at bigint,
    run_count bigint not null default 0,
    success_count bigint not null default 0,
    failure_count bigint not null default 0,
    last_run_at bigint,
    last_status text,
    last_duration_ms bigint,
    -- The outcomes of the last 40 runs, see `domain/recent_outcomes.rs`.
    recent text not null default '',
    -- When its last successful run began.
    last_success_at bigint,
    -- Whether it has open incidents: its next success looks for them.
    has_incident boolean not null default false,
    -- Tasks managed by a file: the file's name, and whether the file enables them.
    managed_by text,
    managed_enabled boolean
) without rowid;

create index tasks_next on tasks (next_run_at) where next_run_at is not null;
create index tasks_pauses on tasks (pause_event_at) where pause_event_at is not null;
create index tasks_chain on tasks (id) where chain <> '[]';
-- Tasks whose policy has limits for alarms.
create index tasks_alert on tasks (id) where policy like '%"alert":{%';
create index tasks_schedule on tasks (id) where schedule <> '{}';
create index tasks_idle on tasks (trigger_kind) where trigger_kind = 'idle';
-- The task list sorted by last run, with its expression in `storage/task_list.rs`.
create index tasks_last_run on tasks (coalesce(last_run_at, 0), id);
-- Tasks whose last run took a second or more, for the slowest ones of the overview.
create index tasks_slow on tasks (last_duration_ms) where last_duration_ms >= 1000;
-- Covering index for the distinct tags offered by the task list.
create index tasks_tags on tasks (tags) where tags <> '[]';

-- Executions: the record of each run and, while they are queued, the queue of the workers. The id is a ULID outside: the time at
-- which it was queued and a number, here as one integer (see `ids.rs`).
--
-- | status | node_id | meaning |
-- | --- | --- | --- |
-- | queued | null | waits for a worker, for the time `retry_at`, or (`waits`) for another run of the task |
-- | queued | set | handed out to that node: begins at once or has begun |
-- | running | set | has lasted longer than a quick run |
-- | others | null | final |
create table executions (
    id integer not null primary key,
    task_id text not null,
    task_type text not null,
    task_version bigint,
    -- Null, as the parameters: that of the version of the task, in `task_versions` or `former_versions`.
    schedule_text text,
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
    -- Where it waits; null once it has ended.
    queue text,
    priority bigint,
    -- Accepted while its task is at its limit of concurrent runs: not handed out until a run of the task has ended.
    waits boolean not null default false,
    node text,
    node_id text,
    requested_by text,
    idempotency_key text,
    started_by bigint,
    -- In English.
    error text,
    -- Code and arguments of the error as JSON; null for a text from outside.
    error_message text,
    -- The rule and the calendars behind an occurrence, see `domain/schedule/origin.rs`: a JSON object.
    origin text,
    params text,
    rendered_params text,
    result text
);

-- The id is the row id, with which every index ends anyway: named as a column it would be stored twice.
-- At most one execution per scheduled time of a task.
create unique index executions_occurrence on executions (task_id, scheduled_at) where cause in ('schedule', 'catch_up');
create index executions_backfill on executions (task_id, scheduled_at) where cause = 'backfill';
create unique index executions_idempotency on executions (task_id, idempotency_key) where idempotency_key is not null;
create index executions_started_by on executions (started_by) where started_by is not null;
create index executions_task on executions (task_id);
create index executions_type on executions (task_type);
-- Nothing is indexed by the status of the many that succeed; queued and running ones are in executions_active.
create index executions_status on executions (status) where status not in ('queued', 'running', 'succeeded');
-- The same in the order of ids, and those of one task, listed and counted without reading its other executions.
create index executions_failed on executions (id) where status not in ('queued', 'running', 'succeeded');
create index executions_unsuccessful on executions (task_id, status) where status not in ('queued', 'running', 'succeeded');
create index executions_cause on executions (cause) where cause <> 'schedule';
create index executions_active on executions (task_id) where status in ('queued', 'running');
-- What waits for a worker, in the order in which it starts.
create index executions_queue on executions (queue, priority desc) where status = 'queued' and node_id is null and retry_at is null and not waits;
create index executions_waits on executions (task_id) where waits;
create index executions_cancel on executions (node_id) where cancel_requested and status in ('queued', 'running');
create index executions_retry on executions (retry_at) where retry_at is not null;

-- Retried attempts. The latest attempt is the execution's own row.
create table attempts (
    execution_id bigint not null,
    attempt bigint not null,
    status text not null,
    started_at bigint,
    finished_at bigint,
    duration_ms bigint,
    error text,
    error_message text,
    node text,
    primary key (execution_id, attempt)
) without rowid;

create table outputs (
    execution_id bigint not null,
    attempt bigint not null,
    seq bigint not null,
    stream text not null,
    at bigint not null,
    text text not null,
    primary key (execution_id, attempt, seq)
) without rowid;

create table nodes (
    id text not null primary key,
    name text not null,
    version text not null,
    started_at bigint not null,
    last_seen_at bigint not null,
    -- How many runs it executes at once.
    workers bigint not null default 0,
    -- Its clock minus the database's clock; null if unknown.
    clock_offset_ms bigint
) without rowid;

-- Duties that one of several nodes does.
create table leases (
    name text not null primary key,
    node_id text not null,
    until bigint not null
) without rowid;

-- Facts that the server keeps from one start to the next.
create table server_state (
    name text not null primary key,
    value text not null
) without rowid;

create table users (
    id text not null primary key,
    name text not null,
    role text not null,
    password_hash text,
    -- Dangerous task types that this account may use regardless of its role: a JSON array.
    grants text not null default '[]',
    -- Tag scope: the account can access only tasks with one of these tags; without tags, all tasks. A JSON array.
    tags text not null default '[]',
    disabled boolean not null default false,
    created_at bigint not null,
    last_seen_at bigint
) without rowid;

create unique index users_name on users (lower(name));

create table sessions (
    secret_hash text not null primary key,
    user_id text not null references users (id) on delete cascade,
    created_at bigint not null,
    used_at bigint not null,
    expires_at bigint not null,
    by_provider boolean not null default false
) without rowid;

create table tokens (
    id text not null primary key,
    secret_hash text not null unique,
    user_id text not null references users (id) on delete cascade,
    -- The token that it was created with; it ends with that one.
    parent text references tokens (id) on delete cascade,
    name text not null,
    role text not null,
    -- As the tags of an account.
    tags text not null default '[]',
    created_at bigint not null,
    expires_at bigint,
    used_at bigint
) without rowid;
create index tokens_parent on tokens (parent) where parent is not null;

-- Values are encrypted by Belfry; the key is not in the database.
create table secrets (
    name text not null primary key,
    ciphertext text not null,
    -- The tasks that may use it: a JSON object with their tags, and their ids with the keys; empty: all.
    limits text not null default '{}',
    created_at bigint not null,
    updated_at bigint not null,
    updated_by text not null
) without rowid;

create index sessions_user on sessions (user_id);
create index tokens_user on tokens (user_id);

-- The definition of each task after each change.
create table task_versions (
    task_id text not null,
    version bigint not null,
    at bigint not null,
    author text not null,
    content text not null,
    -- Of the executions of this version.
    schedule_text text not null,
    params text not null,
    primary key (task_id, version)
) without rowid;

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
) without rowid;

create index audit_actor on audit (actor, id);
create index audit_action on audit (action, id);
create index audit_target on audit (target, id);

-- Finished runs by start and status, in slots of one minute and again in slots of 15 minutes. Charts read this table, so that their
-- cost does not depend on the number of executions.
create table run_stats (
    minutes smallint not null,
    start bigint not null,
    status text not null,
    runs bigint not null,
    primary key (minutes, start, status)
) without rowid;

-- The second factor of an account: one TOTP secret, encrypted by Belfry. It is required at sign-in once confirmed.
create table second_factors (
    user_id text not null primary key references users (id) on delete cascade,
    ciphertext text not null,
    confirmed_at bigint,
    -- The step of the last accepted code; codes of this step or earlier ones are rejected.
    last_step bigint not null,
    created_at bigint not null
) without rowid;

-- Recovery codes, accepted instead of a TOTP code. A row is deleted when its code is used.
create table recovery_codes (
    user_id text not null references users (id) on delete cascade,
    code_hash text not null,
    primary key (user_id, code_hash)
) without rowid;

-- Sign-ins whose password was correct and whose code is pending.
create table pending_sign_ins (
    secret_hash text not null primary key,
    user_id text not null references users (id) on delete cascade,
    tries bigint not null default 0,
    expires_at bigint not null
) without rowid;

create index pending_sign_ins_user on pending_sign_ins (user_id);

-- Accounts linked to a subject of an identity provider.
create table identities (
    issuer text not null,
    subject text not null,
    user_id text not null references users (id) on delete cascade,
    created_at bigint not null,
    primary key (issuer, subject)
) without rowid;

create index identities_user on identities (user_id);

-- OIDC logins redirected to the identity provider and not yet returned.
create table pending_oidc_logins (
    state_hash text not null primary key,
    browser_hash text not null,
    nonce text not null,
    verifier text not null,
    next text not null,
    expires_at bigint not null
) without rowid;

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

-- The audit log is append-only; triggers enforce it.
create trigger audit_no_update before update on audit
begin
    select raise(abort, 'the audit log is append-only');
end;

create trigger audit_no_delete before delete on audit
begin
    select raise(abort, 'the audit log is append-only');
end;

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
) without rowid;

create unique index saved_views_name on saved_views (user_id, list, name);

-- What a task type keeps from one run of a task to the next: a watermark, the previous report.
create table task_state (
    task_id text not null primary key references tasks (id) on delete cascade,
    -- A JSON object; null after a reset.
    state text,
    -- Incremented by each change, so that a run does not overwrite a reset or a newer run's state.
    revision bigint not null,
    updated_at bigint not null,
    -- The execution that saved it; null after a reset or an import.
    execution_id text
) without rowid;

-- Actions on many tasks that are done in parts, after the answer to their request.
create table operations (
    id text not null primary key,
    actor text not null,
    -- The rights of the actor at the time of the request, and the selected tasks: JSON objects.
    rights text not null,
    target text not null,
    action text not null,
    -- The key that prevents a second run of a task that was processed already.
    run_key text not null,
    matched bigint not null,
    processed bigint not null default 0,
    done bigint not null default 0,
    -- The first failures: a JSON array.
    errors text not null default '[]',
    -- The id of the last task that was processed.
    place text not null default '',
    cancelled boolean not null default false,
    created_at bigint not null,
    updated_at bigint not null,
    finished_at bigint
) without rowid;

create index operations_unfinished on operations (updated_at) where finished_at is null;

-- The definitions of deleted tasks, for their executions and the verification of their log. A task that is created again continues the
-- numbers of the versions.
create table former_versions (
    task_id text not null,
    task_key text not null,
    version bigint not null,
    at bigint not null,
    content text not null,
    schedule_text text not null,
    params text not null,
    deleted_at bigint not null,
    primary key (task_id, version)
) without rowid;

-- What a run was given beside its parameters; most runs have no row.
create table run_data (
    execution_id bigint not null primary key,
    -- The values of its inputs as a JSON object; secrets only as stars.
    inputs text not null,
    -- The secret values: a JSON object, encrypted by Belfry.
    secrets text,
    -- The call of the hook that started it: a JSON object.
    hook text
) without rowid;

-- Mail servers, SMS providers, datasources and HTTP services of administrators; those of the settings are not stored.
create table profiles (
    -- smtp, sms, datasource or http.
    kind text not null,
    name text not null,
    -- Its settings: a JSON object, encrypted.
    ciphertext text not null,
    version bigint not null,
    created_at bigint not null,
    updated_at bigint not null,
    updated_by text not null,
    primary key (kind, name)
) without rowid;

-- Notification channels of administrators; those of the settings are not stored.
create table notify_channels (
    name text not null primary key,
    type text not null,
    -- What is not secret: a JSON object.
    options text not null,
    -- URL, secret, token and key: a JSON object, encrypted.
    ciphertext text not null,
    created_at bigint not null,
    updated_at bigint not null,
    updated_by text not null
) without rowid;

-- What the last deliveries of each channel came to.
create table notify_channel_health (
    channel text not null primary key,
    -- Failures in a row.
    failures bigint not null,
    failing_since bigint,
    last_success_at bigint,
    last_failure_at bigint,
    provider_status bigint,
    provider_code text,
    -- The provider's own text, or why there was none: code and arguments as JSON.
    provider_text text
) without rowid;

-- The rate limit of each account or robot at a provider.
create table notify_quotas (
    -- A hash of the provider and the credential.
    key text not null primary key,
    -- The times of the last requests: a JSON array.
    sends text not null,
    -- No request before this time: the provider asked for a pause, or the last requests failed.
    paused_until bigint not null,
    -- The node that is sending, and until when no other may.
    lease_node text not null,
    lease_until bigint not null
) without rowid;

-- Notifications: queued in the transaction that records their cause, kept with the provider's answer.
create table notify_messages (
    id text not null primary key,
    channel text not null,
    incident_id text,
    rule text not null,
    -- What is told: a JSON object.
    notice text not null,
    urgent boolean not null,
    not_before bigint not null,
    created_at bigint not null,
    -- 'queued', 'sent', 'grouped' or 'failed'.
    state text not null,
    attempts bigint not null default 0,
    -- While it is queued.
    next_try_at bigint,
    sent_at bigint,
    -- The id under which it is sent: that of the first message of its group.
    group_id text,
    provider_status bigint,
    provider_code text,
    -- The provider's own text, or why there was none: code and arguments as JSON.
    provider_text text,
    -- Why the text was not by the templates: code and arguments as JSON.
    template_error text,
    node text
);

create index notify_messages_queued on notify_messages (channel, urgent, next_try_at, id) where state = 'queued';
create index notify_messages_group on notify_messages (group_id, id) where state = 'queued' and group_id is not null;
create index notify_messages_channel on notify_messages (channel, id);

-- Calendars: the current definition of each. The built-in ones are not stored; one named 'cn' changes the built-in one.
create table calendars (
    name text not null primary key,
    -- Raised by each change; a calendar that is created again goes on from its former versions.
    version bigint not null,
    -- The definition: a JSON object.
    content text not null,
    created_at bigint not null,
    updated_at bigint not null,
    updated_by text not null
) without rowid;

-- The definition of a calendar after each change; null after its deletion.
create table calendar_versions (
    name text not null,
    version bigint not null,
    at bigint not null,
    author text not null,
    content text,
    primary key (name, version)
) without rowid;

-- Freezes: spans of time in which nothing starts by its schedule.
create table freezes (
    id text not null primary key,
    -- Null: all tasks.
    tag text,
    begins_at bigint not null,
    -- As planned, or when it was ended early.
    ends_at bigint not null,
    reason text not null,
    created_by text not null,
    created_at bigint not null
) without rowid;

create index freezes_end on freezes (ends_at);

-- Notification rules: which events of which tasks are told through which channels.
create table notify_rules (
    name text not null primary key,
    -- The rule: a JSON object.
    definition text not null,
    version bigint not null,
    -- When its next digest is due; null: it has none, or is disabled.
    digest_at bigint,
    created_at bigint not null,
    updated_at bigint not null,
    updated_by text not null
) without rowid;

create index notify_rules_digest on notify_rules (digest_at) where digest_at is not null;

-- Incidents: one per subject, event and cause while it is open.
create table incidents (
    id text not null primary key,
    -- 'task:…', 'heartbeat:…', 'channel:…', 'calendar:…' or 'server:…'.
    subject text not null,
    task_id text,
    event text not null,
    cause_key text not null,
    -- The masked text of the first error in English, and code and arguments of the latest error as JSON.
    cause text not null,
    error text,
    opened_at bigint not null,
    last_at bigint not null,
    closed_at bigint,
    closed_by text,
    count bigint not null,
    first_execution bigint,
    last_execution bigint,
    acknowledged_at bigint,
    acknowledged_by text,
    -- What each rule has told: a JSON object by rule.
    told text not null,
    -- When its next message is due, while it is open.
    due_at bigint
) without rowid;

create unique index incidents_open on incidents (subject, event, cause_key) where closed_at is null;
create index incidents_open_id on incidents (id) where closed_at is null;
create index incidents_closed on incidents (id) where closed_at is not null;
create index incidents_task on incidents (task_id, id) where task_id is not null;
create index incidents_cause on incidents (cause_key, opened_at);
create index incidents_due on incidents (due_at) where due_at is not null;

-- The incidents that each message tells of.
create table incident_messages (
    incident_id text not null,
    message_id text not null,
    primary key (incident_id, message_id)
) without rowid;

-- Tasks of which nothing is told until a time.
create table task_mutes (
    task_id text not null primary key references tasks (id) on delete cascade,
    until bigint not null,
    muted_by text not null,
    muted_at bigint not null
) without rowid;

-- Occurrences of a task that are run on purpose, in order.
create table backfills (
    id text not null primary key,
    task_id text not null,
    task_key text not null,
    actor text not null,
    from_at bigint not null,
    to_at bigint not null,
    selection text not null,
    concurrency bigint not null,
    planned bigint not null,
    -- The scheduled time of the last occurrence that has a run; those after it wait for their turn.
    place bigint not null,
    cancelled boolean not null default false,
    created_at bigint not null,
    finished_at bigint
) without rowid;

create index backfills_task on backfills (task_id, id);
create index backfills_unfinished on backfills (id) where finished_at is null;

-- The chosen occurrences; each is run once.
create table backfill_items (
    backfill_id text not null references backfills (id) on delete cascade,
    scheduled_at bigint not null,
    -- Null: it waits for its turn.
    execution_id bigint,
    primary key (backfill_id, scheduled_at)
) without rowid;

-- Addresses that start a task. The secret is part of the address; only its hash is stored.
create table hooks (
    id text not null primary key,
    task_id text not null references tasks (id) on delete cascade,
    -- Tells the task from one of the same id that is created later.
    task_key text not null,
    name text not null,
    -- How its calls are signed: 'none', 'standard_webhooks' or 'github'.
    signing text not null,
    secret_hash text not null unique,
    -- The key of the signatures, encrypted by Belfry.
    sealed_key text,
    created_at bigint not null,
    created_by text not null,
    used_at bigint
) without rowid;

create index hooks_task on hooks (task_id, id);

-- Jobs that run elsewhere and tell that they did.
create table heartbeats (
    id text not null primary key,
    name text not null,
    tags text not null,
    -- When pings are expected: a JSON object, see `domain/heartbeat.rs`.
    rule text not null,
    grace_ms bigint not null,
    enabled boolean not null,
    version bigint not null,
    created_at bigint not null,
    updated_at bigint not null,
    status text not null,
    since bigint not null,
    expected_at bigint,
    deadline_at bigint,
    started_at bigint,
    last_ping_at bigint,
    -- The secret is part of the address to ping: its hash, and the secret itself, encrypted by Belfry.
    secret_hash text not null unique,
    sealed_secret text not null
) without rowid;

-- Whose expected ping may have been missed.
create index heartbeats_deadline on heartbeats (deadline_at) where deadline_at is not null;

-- What became of each expected ping; and pings that were not expected.
create table heartbeat_pings (
    heartbeat_id text not null references heartbeats (id) on delete cascade,
    id text not null,
    expected_at bigint,
    status text not null,
    at bigint,
    duration_ms bigint,
    exit_code bigint,
    body text not null default '',
    primary key (heartbeat_id, id)
) without rowid;

-- Each expected ping is decided once.
create unique index heartbeat_pings_expected on heartbeat_pings (heartbeat_id, expected_at) where expected_at is not null;
