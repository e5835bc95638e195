//! The audit log: who changed what, when, from where, and the state before and after. Entries are append-only.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::text_enum::text_enum;
use super::user::Via;

/// One change, or one sign-in attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// A ULID; the order of ids is the order of entries.
    pub id: String,
    pub at: DateTime<Utc>,
    /// The account's name; for a refused sign-in, the name that was entered.
    pub actor: String,
    pub via: Via,
    /// The client's network address, if known.
    pub address: Option<String>,
    pub action: AuditEvent,
    /// What was changed, such as `task:daily-report`.
    pub target: String,
    /// The state before, secrets masked.
    pub before: Option<Value>,
    /// The state after, secrets masked.
    pub after: Option<Value>,
}

/// Selects audit entries; every condition that is given must match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    pub actor: Option<String>,
    pub action: Option<AuditEvent>,
    /// The whole target (`task:daily-report`), or its kind with the colon (`task:`).
    pub target: Option<String>,
    /// From, inclusive.
    pub from: Option<DateTime<Utc>>,
    /// To, exclusive.
    pub to: Option<DateTime<Utc>>,
    /// A substring of the account, the address, the target, or the state before or after; case-insensitive.
    pub search: Option<String>,
}

text_enum! {
    /// The kind of action that an entry records.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum AuditEvent {
        TaskCreate = "task.create",
        TaskUpdate = "task.update",
        TaskDelete = "task.delete",
        TaskPause = "task.pause",
        TaskResume = "task.resume",
        TaskResetState = "task.reset_state",
        TaskRun = "task.run",
        TaskTest = "task.test",
        BackfillStart = "task.backfill",
        BackfillCancel = "task.cancel_backfill",
        HookCreate = "hook.create",
        HookRotate = "hook.rotate",
        HookRevoke = "hook.revoke",
        HeartbeatCreate = "heartbeat.create",
        HeartbeatUpdate = "heartbeat.update",
        HeartbeatDelete = "heartbeat.delete",
        HeartbeatRotate = "heartbeat.rotate",
        ExecutionRerun = "execution.rerun",
        ExecutionCancel = "execution.cancel",
        ExecutionImport = "execution.import",
        SecretSet = "secret.set",
        SecretDelete = "secret.delete",
        UserCreate = "user.create",
        UserUpdate = "user.update",
        UserDelete = "user.delete",
        UserPassword = "user.password",
        TokenCreate = "token.create",
        TokenRevoke = "token.revoke",
        SignIn = "session.sign_in",
        SignInRefused = "session.refused",
        SignOut = "session.sign_out",
        SessionsEnd = "session.end_all",
        SecondFactorEnrol = "second_factor.enrol",
        SecondFactorRemove = "second_factor.remove",
        SecondFactorReset = "second_factor.reset",
        SecondFactorRefused = "second_factor.refused",
        RecoveryUse = "recovery_code.use",
        RecoveryRenew = "recovery_code.renew",
        TaskMute = "task.mute",
        NotifyRuleCreate = "notify_rule.create",
        NotifyRuleUpdate = "notify_rule.update",
        NotifyRuleDelete = "notify_rule.delete",
        IncidentAcknowledge = "incident.acknowledge",
        IncidentClose = "incident.close",
        DatasourceTest = "datasource.test",
        MailTest = "mail.test",
        SmsTest = "sms.test",
        HttpProfileTest = "http_profile.test",
        ProfileCreate = "profile.create",
        ProfileUpdate = "profile.update",
        ProfileDelete = "profile.delete",
        ChannelCreate = "notify_channel.create",
        ChannelUpdate = "notify_channel.update",
        ChannelDelete = "notify_channel.delete",
        ChannelTest = "notify_channel.test",
        CalendarCreate = "calendar.create",
        CalendarUpdate = "calendar.update",
        CalendarImport = "calendar.import",
        CalendarRestore = "calendar.restore",
        CalendarDelete = "calendar.delete",
        FreezeCreate = "freeze.create",
        FreezeEnd = "freeze.end",
        QueuePause = "queue.pause",
        QueueResume = "queue.resume",
        QueueResize = "queue.resize",
        ClockChange = "clock.change",
        ZoneChange = "zone.change",
    }
}
