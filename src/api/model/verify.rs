//! Response models of verifications.

use chrono_tz::Tz;
use poem_openapi::Object;

use super::named::Timestamp;
use super::timestamp;
use crate::domain::verify::Finding;
use crate::service::Verification;

/// The maximum number of findings listed of each kind.
const LISTED: usize = 1000;

/// The log compared with the kept rules.
#[derive(Default, Object)]
#[oai(rename = "Verification", read_only_all)]
pub struct VerificationView {
    /// The start of the span, inclusive.
    from: Timestamp,
    /// The end of the span, exclusive.
    to: Timestamp,
    /// The number of occurrences that the rules require.
    expected: u64,
    /// The number of rows of occurrences.
    rows: u64,
    /// Occurrences without a row; the first thousand.
    lost: Vec<FindingView>,
    /// Occurrences with several rows; the first thousand.
    doubled: Vec<FindingView>,
    /// Rows that no rule explains, or whose reason is not true; the first thousand.
    unexplained: Vec<FindingView>,
    /// Rows whose reason cannot be computed anew from what is kept, such as of a time whose runs retention has deleted; the first
    /// thousand. They are no findings.
    undetermined: Vec<FindingView>,
    /// The number of all findings, also of those that are not listed.
    findings: u64,
}

/// One difference between the rules and the log.
#[derive(Default, Object)]
#[oai(rename = "Finding", read_only_all)]
pub struct FindingView {
    task_id: String,
    scheduled_at: Timestamp,
    /// The rows concerned; empty for a lost occurrence.
    execution_ids: Vec<String>,
    /// Why a row is not explained; null for lost and doubled ones.
    reason: Option<String>,
}

impl From<Verification> for VerificationView {
    fn from(verification: Verification) -> Self {
        let found = verification.findings;
        let findings = found.lost.len() + found.doubled.len() + found.unexplained.len();
        let listed = |findings: Vec<Finding>| findings.into_iter().take(LISTED).map(FindingView::from).collect();
        Self {
            from: timestamp(verification.from, Tz::UTC),
            to: timestamp(verification.to, Tz::UTC),
            expected: found.expected,
            rows: found.rows,
            lost: listed(found.lost),
            doubled: listed(found.doubled),
            unexplained: listed(found.unexplained),
            undetermined: listed(found.undetermined),
            findings: findings as u64,
        }
    }
}

impl From<Finding> for FindingView {
    fn from(finding: Finding) -> Self {
        Self {
            task_id: finding.task_id,
            scheduled_at: timestamp(finding.scheduled_at, Tz::UTC),
            execution_ids: finding.execution_ids,
            reason: finding.reason.map(|reason| reason.to_string()),
        }
    }
}
