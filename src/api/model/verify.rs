//! Response models of verifications.

use chrono_tz::Tz;

use super::named::Timestamp;
use super::timestamp;
use crate::domain::verify::Finding;
use crate::service::Verification;

/// The maximum number of findings listed of each kind.
const LISTED: usize = 1000;

view! {
    /// The log compared with the kept rules.
    #[oai(rename = "Verification", read_only_all)]
    pub struct VerificationView from (verification: Verification) where
        found = verification.findings;
        findings = found.lost.len() + found.doubled.len() + found.unexplained.len();
        listed = |findings: Vec<Finding>| findings.into_iter().take(LISTED).map(FindingView::from).collect();
    {
        /// The start of the span, inclusive.
        from: Timestamp = timestamp(verification.from, Tz::UTC),
        /// The end of the span, exclusive.
        to: Timestamp = timestamp(verification.to, Tz::UTC),
        /// The number of occurrences that the rules require.
        expected: u64 = found.expected,
        /// The number of rows of occurrences.
        rows: u64 = found.rows,
        /// Occurrences without a row; the first thousand.
        lost: Vec<FindingView> = listed(found.lost),
        /// Occurrences with several rows; the first thousand.
        doubled: Vec<FindingView> = listed(found.doubled),
        /// Rows that no rule explains, or whose reason is not true; the first thousand.
        unexplained: Vec<FindingView> = listed(found.unexplained),
        /// Rows whose reason cannot be computed anew from what is kept, such as of a time whose runs retention has deleted; the first
        /// thousand. They are no findings.
        undetermined: Vec<FindingView> = listed(found.undetermined),
        /// The number of all findings, also of those that are not listed.
        findings: u64 = findings as u64,
    }
}

view! {
    /// One difference between the rules and the log.
    #[oai(rename = "Finding", read_only_all)]
    pub struct FindingView from (finding: Finding) {
        task_id: String = finding.task_id,
        scheduled_at: Timestamp = timestamp(finding.scheduled_at, Tz::UTC),
        /// The rows concerned; empty for a lost occurrence.
        execution_ids: Vec<String> = finding.execution_ids,
        /// Why a row is not explained; null for lost and doubled ones.
        reason: Option<String> = finding.reason.map(|reason| reason.to_string()),
    }
}
