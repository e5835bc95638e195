//! Statistics: everything that counts. `storage` reads the numbers; this room turns them into the overview, the statistics of
//! a window and the calendar, for the tasks in a [`TagScope`](crate::domain::tag_scope::TagScope).

pub mod calendar;
pub mod calendar_request;
mod counts;
pub mod day_plan;
pub mod likely_cause;
pub mod minute_load;
pub mod outcome_history;
pub mod overview;
pub mod percentiles;
pub mod timeline;
pub mod trend;
pub mod window;
