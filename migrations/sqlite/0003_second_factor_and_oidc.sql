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

alter table sessions add column by_provider boolean not null default false;
