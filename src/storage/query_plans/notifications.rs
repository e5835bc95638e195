//! The statements of notifications.

use crate::storage::{notify_message, notify_quota};

/// Statements and the steps that their plans must contain.
pub(super) fn notification_plans() -> Vec<(&'static str, String, &'static [&'static str])> {
    vec![
        (
            "due channels",
            notify_message::NEXT_TRIES.into(),
            &[
                "INDEX notify_messages_queued",
                "INDEX notify_messages_queued (channel>?)",
                "INDEX notify_messages_queued (channel=? AND urgent=?)",
            ],
        ),
        (
            "due notifications",
            notify_message::due_sql(),
            &["SEARCH notify_messages USING INDEX notify_messages_queued (channel=? AND urgent=? AND next_try_at<?)"],
        ),
        (
            "a group of notifications",
            notify_message::group_sql(),
            &["SEARCH notify_messages USING INDEX notify_messages_group (group_id=?)"],
        ),
        (
            "grouping of notifications",
            notify_message::SET_GROUP.into(),
            &["SEARCH notify_messages USING INDEX sqlite_autoindex_notify_messages_1 (id=?)"],
        ),
        (
            "the record of a notification",
            notify_message::RECORD.into(),
            &["SEARCH notify_messages USING INDEX notify_messages_group (group_id=?)"],
        ),
        (
            "notifications given up",
            notify_message::GIVE_UP.into(),
            &["SEARCH notify_messages USING INDEX notify_messages_queued (channel=?)"],
        ),
        (
            "a channel's notifications",
            format!("{} order by id desc limit $9", notify_message::page_query("a").into_parts().0),
            &["SEARCH notify_messages USING INDEX notify_messages_channel (channel=?)"],
        ),
        (
            "old notifications",
            notify_message::DELETE_BEFORE.into(),
            &["SEARCH notify_messages USING INDEX sqlite_autoindex_notify_messages_1 (id<?)"],
        ),
        ("a rate limit", notify_quota::GET.into(), &["SEARCH notify_quotas USING PRIMARY KEY (key=?)"]),
        ("the save of a rate limit", notify_quota::SAVE.into(), &["SEARCH notify_quotas USING PRIMARY KEY (key=?)"]),
    ]
}
