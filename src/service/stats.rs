//! Statistics, the overview and the calendar for a person's tag scope.

use std::sync::Arc;

use super::deps::{ServiceDeps, Shared, from_deps};
use super::recent_values::RecentValues;
use super::search::check_search;
use super::{Error, Result, allow};
use crate::clock::SharedClock;
use crate::domain::execution::Status;
use crate::domain::grant::METRICS_GRANT;
use crate::domain::page::ExecutionFilter;
use crate::domain::stats::Outcome;
use crate::domain::tag_scope::TagScope;
use crate::domain::user::{Action, Actor};
use crate::events::EventBus;
use crate::i18n::message;
use crate::scheduler::calendars::CalendarCache;
use crate::stats::calendar::{Calendar, Granularity};
use crate::stats::calendar_request::{self, CalendarRequest};
use crate::stats::day_plan::{self, DayPlan};
use crate::stats::minute_load::{self, MinuteLoad};
use crate::stats::outcome_history::{self, OutcomeHistory, SlotRange};
use crate::stats::overview::{self, Overview};
use crate::stats::timeline::start_of_hour;
use crate::stats::trend::{self, Trend, TrendRange};
use crate::stats::window::{self, Stats};
use crate::storage::{self, Database, stats};
use crate::tasks::registry::Registry;
use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;

/// The longest window, in seconds: 366 days.
const MAX_WINDOW: i64 = 31_622_400;

/// Computes statistics, the overview and the calendar.
#[derive(Clone)]
pub struct StatsService {
    database: Database,
    clock: SharedClock,
    registry: Arc<Registry>,
    events: EventBus,
    calendars: CalendarCache,
    /// By scope and number of changes.
    recent_overviews: RecentValues<(TagScope, u64), Arc<Overview>>,
    /// By scope, range and number of changes.
    recent_histories: RecentValues<(TagScope, SlotRange, u64), Arc<OutcomeHistory>>,
    /// By scope, filter, range and number of changes.
    recent_matches: RecentValues<(ExecutionFilter, SlotRange, u64), Arc<OutcomeHistory>>,
    /// By scope, range and number of changes.
    recent_trends: RecentValues<(TagScope, TrendRange, u64), Arc<Trend>>,
    /// The outcomes of a trend before the last hour, by scope, start and end.
    past_outcomes: RecentValues<PastSpan, Arc<Vec<Outcome>>>,
    zone: Tz,
}

/// A scope with a start and an end.
type PastSpan = (TagScope, DateTime<Utc>, DateTime<Utc>);

impl StatsService {
    pub(super) fn new(deps: &ServiceDeps, shared: &Shared) -> Self {
        from_deps!(deps { database, clock, registry, events, zone }, {
            calendars: shared.changes.settlement.calendars.clone(),
            recent_overviews: RecentValues::of_pages(deps.clock.clone(), shared.last_change.clone()),
            recent_histories: RecentValues::of_pages(deps.clock.clone(), shared.last_change.clone()),
            recent_matches: RecentValues::of_pages(deps.clock.clone(), shared.last_change.clone()),
            recent_trends: RecentValues::of_pages(deps.clock.clone(), shared.last_change.clone()),
            past_outcomes: RecentValues::of_history(deps.clock.clone(), shared.last_change.clone()),
        })
    }

    /// The statistics of the last `window_seconds`, and the next firings.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a window outside 1 second to 366 days; [`Error::Forbidden`].
    pub async fn window(&self, actor: &Actor, window_seconds: i64) -> Result<Stats> {
        allow(actor, Action::See)?;
        if !(1..=MAX_WINDOW).contains(&window_seconds) {
            let message = message!("value.out_of_range", value = window_seconds, min = 1, max = MAX_WINDOW).of("window_seconds");
            return Err(Error::invalid("/window_seconds", message));
        }
        let entries = self.registry.all();
        let types: Vec<&str> = entries.iter().map(|entry| entry.spec.name.as_ref()).collect();
        let mut reader = self.database.read().await?;
        Ok(window::load(&mut reader, &actor.scope, &types, window_seconds, self.clock.now()).await?)
    }

    /// The statistics of all tasks, for actors that may read the metrics.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub async fn server_window(&self, actor: &Actor, window_seconds: i64) -> Result<Stats> {
        if !actor.may_read_metrics() {
            return Err(Error::Forbidden(message!("permission.metrics", grant = METRICS_GRANT)));
        }
        self.window(&Actor { scope: TagScope::ALL, ..actor.clone() }, window_seconds).await
    }

    /// The number of queued and running executions, by status.
    pub async fn active(&self) -> Result<Vec<(Status, i64)>> {
        Ok(stats::active(&mut self.database.read().await?).await?)
    }

    /// The current overview of the tasks in the actor's scope.
    pub async fn overview(&self, actor: &Actor) -> Result<Arc<Overview>> {
        allow(actor, Action::See)?;
        let load = async {
            let mut reader = self.database.read().await?;
            let calendars = self.calendars.current(&mut reader).await?;
            overview::load(&mut reader, &actor.scope, self.clock.now(), self.zone, &calendars).await.map(Arc::new)
        };
        Ok(self.recent_overviews.get_or_read((actor.scope.clone(), self.events.change_count()), load).await?)
    }

    /// The trend of the outcomes. What began before the last hour may be a minute old.
    pub async fn trend(&self, actor: &Actor, range: TrendRange) -> Result<Arc<Trend>> {
        allow(actor, Action::See)?;
        let load = async { self.load_trend(&actor.scope, range).await.map(Arc::new) };
        Ok(self.recent_trends.get_or_read((actor.scope.clone(), range, self.events.change_count()), load).await?)
    }

    async fn load_trend(&self, scope: &TagScope, range: TrendRange) -> storage::Result<Trend> {
        let now = self.clock.now();
        let (from, split) = (range.begin(now, self.zone), start_of_hour(now, self.zone) - Duration::hours(1));
        let mut reader = self.database.read().await?;
        let past = async { trend::outcomes(&mut reader, scope, from, split).await.map(Arc::new) };
        let past = self.past_outcomes.get_or_read((scope.clone(), from, split), past).await?;
        let recent = trend::outcomes(&mut reader, scope, split, now + Duration::minutes(1)).await?;
        Ok(Trend::new(range, now, self.zone, &[past.as_slice(), recent.as_slice()].concat()))
    }

    /// The outcomes of a range, by slot and status.
    pub async fn outcome_history(&self, actor: &Actor, range: SlotRange) -> Result<Arc<OutcomeHistory>> {
        allow(actor, Action::See)?;
        let load = async {
            let mut reader = self.database.read().await?;
            outcome_history::load(&mut reader, &actor.scope, range).await.map(Arc::new)
        };
        Ok(self.recent_histories.get_or_read((actor.scope.clone(), range, self.events.change_count()), load).await?)
    }

    /// The outcomes of a range among the newest executions that match a filter, whose statuses and times do not count.
    pub async fn matching_history(
        &self,
        actor: &Actor,
        filter: &ExecutionFilter,
        range: SlotRange,
    ) -> Result<Arc<OutcomeHistory>> {
        allow(actor, Action::See)?;
        check_search(filter.search.as_deref())?;
        let filter = ExecutionFilter { scope: actor.scope.clone(), ..filter.resolved() };
        let filter = ExecutionFilter { statuses: Vec::new(), from: None, to: None, ..filter };
        let load = async {
            let mut reader = self.database.read().await?;
            outcome_history::load_matching(&mut reader, &filter, range).await.map(Arc::new)
        };
        Ok(self.recent_matches.get_or_read((filter.clone(), range, self.events.change_count()), load).await?)
    }

    /// The runs and planned firings of a day by task.
    pub async fn day_plan(&self, actor: &Actor, request: &CalendarRequest) -> Result<DayPlan> {
        allow(actor, Action::See)?;
        let mut reader = self.database.read().await?;
        let loaded = day_plan::load(&mut reader, &actor.scope, request).await?;
        let calendars = if loaded.has_calendars() { self.calendars.current(&mut reader).await? } else { Arc::default() };
        drop(reader);
        let computed = tokio::task::spawn_blocking(move || loaded.with_firings(&calendars));
        computed.await.map_err(|error| Error::Internal(Box::new(error)))
    }

    /// The planned firings of the hour around a minute, on the clocks of the server's zone.
    pub async fn minute_load(&self, actor: &Actor, minute: DateTime<Utc>) -> Result<MinuteLoad> {
        allow(actor, Action::See)?;
        let request = CalendarRequest {
            from: minute,
            to: minute + Duration::hours(1),
            zone: self.zone,
            granularity: Granularity::Hour,
            task_id: None,
            task_type: None,
        };
        let mut reader = self.database.read().await?;
        let loaded = minute_load::load(&mut reader, &actor.scope, &request, minute).await?;
        let calendars = self.calendars.current(&mut reader).await?;
        drop(reader);
        let computed = tokio::task::spawn_blocking(move || loaded.with_firings(&calendars));
        computed.await.map_err(|error| Error::Internal(Box::new(error)))
    }

    /// The past runs and planned firings of a span.
    pub async fn calendar(&self, actor: &Actor, request: &CalendarRequest) -> Result<Calendar> {
        allow(actor, Action::See)?;
        let mut reader = self.database.read().await?;
        let loaded = calendar_request::load(&mut reader, &actor.scope, request).await?;
        let calendars = if loaded.has_calendars() { self.calendars.current(&mut reader).await? } else { Arc::default() };
        drop(reader);
        let computed = tokio::task::spawn_blocking(move || loaded.with_firings(&calendars));
        computed.await.map_err(|error| Error::Internal(Box::new(error)))
    }
}
