//! The container of the services.

use std::sync::Arc;

use chrono_tz::Tz;

use super::audit::AuditService;
use super::backfills::BackfillService;
use super::bulk::BulkService;
use super::calendars::CalendarService;
use super::datasources::DatasourceService;
use super::demo::DemoService;
use super::deps::{ServiceDeps, Shared};
use super::drafts::DraftService;
use super::events::EventService;
use super::executions::ExecutionService;
use super::freezes::FreezeService;
use super::health::HealthService;
use super::heartbeats::HeartbeatService;
use super::history::HistoryService;
use super::hooks::HookService;
use super::incidents::IncidentService;
use super::mail_sms_profiles::ProfileService;
use super::nodes::NodeService;
use super::notify_channels::NotifyChannelService;
use super::notify_rules::NotifyRuleService;
use super::occurrences::OccurrenceService;
use super::preview::PreviewService;
use super::queues::QueueService;
use super::saved_views::SavedViewService;
use super::second_factor::SecondFactorService;
use super::secrets::SecretService;
use super::sessions::SessionService;
use super::setup::SetupService;
use super::sign_in::SignInService;
use super::single_sign_on::SingleSignOnService;
use super::stats::StatsService;
use super::stored_profiles::StoredProfileService;
use super::tasks::TaskService;
use super::tasks_file::TasksFileService;
use super::tokens::TokenService;
use super::transfer::TransferService;
use super::users::UserService;
use super::verify::VerifyService;
use super::why::WhyService;
use crate::clock::SharedClock;
use crate::tasks::registry::Registry;

/// One service per resource, and the values that requests are read and shown with. Built once at the start; clones share state.
#[derive(Clone)]
pub struct Services {
    pub audit: AuditService,
    pub backfills: BackfillService,
    pub bulk: BulkService,
    pub calendars: CalendarService,
    pub datasources: DatasourceService,
    pub demo: DemoService,
    pub drafts: DraftService,
    pub events: EventService,
    pub executions: ExecutionService,
    pub freezes: FreezeService,
    pub health: HealthService,
    pub heartbeats: HeartbeatService,
    pub history: HistoryService,
    pub hooks: HookService,
    pub incidents: IncidentService,
    pub nodes: NodeService,
    pub notify_channels: NotifyChannelService,
    pub notify_rules: NotifyRuleService,
    pub preview: PreviewService,
    pub occurrences: OccurrenceService,
    pub profiles: ProfileService,
    pub queues: QueueService,
    pub saved_views: SavedViewService,
    pub second_factor: SecondFactorService,
    pub secrets: SecretService,
    pub sessions: SessionService,
    pub setup: SetupService,
    pub sign_in: SignInService,
    pub single_sign_on: SingleSignOnService,
    pub stats: StatsService,
    pub stored_profiles: StoredProfileService,
    pub tasks: TaskService,
    pub tasks_file: TasksFileService,
    pub tokens: TokenService,
    pub transfer: TransferService,
    pub users: UserService,
    pub verify: VerifyService,
    pub why: WhyService,
    pub clock: SharedClock,
    /// The public URL with the base path, if the settings have one.
    pub public_url: Option<String>,
    /// The server's time zone.
    pub zone: Tz,
    pub registry: Arc<Registry>,
    /// The names of the queues that a policy may use.
    pub queue_names: Arc<[String]>,
}

impl Services {
    pub fn new(deps: &ServiceDeps) -> Self {
        let shared = Shared::new(deps);
        let sessions = SessionService::new(deps, &shared);
        let (tasks, executions) = (TaskService::new(deps, &shared), ExecutionService::new(deps, &shared));
        let transfer = TransferService::new(deps, &shared);
        let calendars = CalendarService::new(deps, &shared);
        Self {
            audit: AuditService::new(deps),
            backfills: BackfillService::new(deps, &shared),
            bulk: BulkService::new(deps, tasks.clone(), executions.clone()),
            freezes: FreezeService::new(deps, &shared, calendars.clone()),
            datasources: DatasourceService::new(deps, &shared),
            demo: DemoService::new(tasks.clone(), executions.clone(), transfer.clone(), deps.registry.clone()),
            drafts: DraftService::new(deps, &shared),
            events: EventService::new(deps, sessions.clone()),
            health: HealthService::new(deps),
            heartbeats: HeartbeatService::new(deps, &shared),
            history: HistoryService::new(deps, &shared),
            hooks: HookService::new(deps, &shared, executions.clone()),
            incidents: IncidentService::new(deps, &shared),
            nodes: NodeService::new(deps),
            notify_channels: NotifyChannelService::new(deps, &shared),
            notify_rules: NotifyRuleService::new(deps, &shared),
            preview: PreviewService::new(deps, &shared),
            occurrences: OccurrenceService::new(deps),
            profiles: ProfileService::new(deps, &shared),
            queues: QueueService::new(deps, &shared),
            saved_views: SavedViewService::new(deps),
            second_factor: SecondFactorService::new(deps, &shared),
            secrets: SecretService::new(deps, &shared),
            setup: SetupService::new(deps, &shared),
            sign_in: SignInService::new(deps, &shared, sessions.clone()),
            single_sign_on: SingleSignOnService::new(deps, &shared, sessions.clone()),
            stats: StatsService::new(deps, &shared),
            stored_profiles: StoredProfileService::new(deps, &shared),
            tasks_file: TasksFileService::new(deps, transfer.clone()),
            tokens: TokenService::new(deps, &shared),
            users: UserService::new(deps, &shared),
            why: WhyService::new(deps),
            verify: VerifyService::new(deps),
            clock: deps.clock.clone(),
            public_url: deps.courier.public_url.clone(),
            zone: deps.zone,
            registry: deps.registry.clone(),
            queue_names: deps.queue_names(),
            calendars,
            tasks,
            executions,
            transfer,
            sessions,
        }
    }
}
