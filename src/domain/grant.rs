//! Grants: what an account may do beyond its role and tags. A grant is the name of a task type or [`METRICS_GRANT`].

/// The grant that allows an account of any role to read `/metrics`.
pub const METRICS_GRANT: &str = "metrics";

/// Safe task types whose runs read the executions of other tasks; an account limited to tags needs a grant for them.
pub const CROSS_TASK_TYPES: [&str; 1] = ["query_log"];
