-- The second factor of an account: one secret, encrypted by the process that keeps it. It counts once it is confirmed.
create table second_factors (
    user_id text not null primary key references users (id) on delete cascade,
    sealed text not null,
    confirmed_at bigint,
    -- The step of the last code that was taken; no code of it or before is taken again.
    last_step bigint not null,
    created_at bigint not null
);

-- Taken in the place of a code, each once: the row goes with its use.
create table recovery_codes (
    user_id text not null references users (id) on delete cascade,
    code_hash text not null,
    primary key (user_id, code_hash)
);

-- The password was right, the code is still to come.
create table pending_sign_ins (
    secret_hash text not null primary key,
    user_id text not null references users (id) on delete cascade,
    tries bigint not null default 0,
    expires_at bigint not null
);

create index pending_sign_ins_user on pending_sign_ins (user_id);

-- Whose sign-in an identity provider vouches for.
create table identities (
    issuer text not null,
    subject text not null,
    user_id text not null references users (id) on delete cascade,
    created_at bigint not null,
    primary key (issuer, subject)
);

create index identities_user on identities (user_id);

-- Readers that were sent to the identity provider and are still to come back.
create table provider_visits (
    state_hash text not null primary key,
    browser_hash text not null,
    nonce text not null,
    verifier text not null,
    next text not null,
    expires_at bigint not null
);

alter table sessions add column by_provider boolean not null default false;
