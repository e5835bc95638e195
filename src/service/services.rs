//! The container of the services.

use std::sync::Arc;

use chrono_tz::Tz;

use super::audit::AuditService;
use super::bulk::BulkService;
use super::datasources::DatasourceService;
use super::deps::{ServiceDeps, Shared};
use super::events::EventService;
use super::executions::ExecutionService;
use super::health::HealthService;
use super::history::HistoryService;
use super::mail_sms_profiles::ProfileService;
use super::nodes::NodeService;
use super::preview::PreviewService;
use super::saved_views::SavedViewService;
use super::second_factor::SecondFactorService;
use super::secrets::SecretService;
use super::sessions::SessionService;
use super::setup::SetupService;
use super::sign_in::SignInService;
use super::single_sign_on::SingleSignOnService;
use super::stats::StatsService;
use super::tasks::TaskService;
use super::tasks_file::TasksFileService;
use super::tokens::TokenService;
use super::transfer::TransferService;
use super::users::UserService;
use crate::clock::SharedClock;
use crate::tasks::registry::Registry;

/// One service per resource, and the values that requests are read and shown with. Built once at the start; clones share state.
#[derive(Clone)]
pub struct Services {
    pub audit: AuditService,
    pub bulk: BulkService,
    pub datasources: DatasourceService,
    pub events: EventService,
    pub executions: ExecutionService,
    pub health: HealthService,
    pub history: HistoryService,
    pub nodes: NodeService,
    pub preview: PreviewService,
    pub profiles: ProfileService,
    pub saved_views: SavedViewService,
    pub second_factor: SecondFactorService,
    pub secrets: SecretService,
    pub sessions: SessionService,
    pub setup: SetupService,
    pub sign_in: SignInService,
    pub single_sign_on: SingleSignOnService,
    pub stats: StatsService,
    pub tasks: TaskService,
    pub tasks_file: TasksFileService,
    pub tokens: TokenService,
    pub transfer: TransferService,
    pub users: UserService,
    pub clock: SharedClock,
    /// The server's time zone.
    pub zone: Tz,
    pub registry: Arc<Registry>,
    /// The names of the queues that a policy may use.
    pub queues: Arc<[String]>,
}

impl Services {
    pub fn new(deps: &ServiceDeps) -> Self {
        let shared = Shared::new(deps);
        let sessions = SessionService::new(deps, &shared);
        let (tasks, executions) = (TaskService::new(deps, &shared), ExecutionService::new(deps, &shared));
        let transfer = TransferService::new(deps, &shared);
        Self {
            audit: AuditService::new(deps),
            bulk: BulkService::new(deps, tasks.clone(), executions.clone()),
            datasources: DatasourceService::new(deps, &shared),
            events: EventService::new(deps, sessions.clone()),
            health: HealthService::new(deps),
            history: HistoryService::new(deps, &shared),
            nodes: NodeService::new(deps),
            preview: PreviewService::new(deps),
            profiles: ProfileService::new(deps, &shared),
            saved_views: SavedViewService::new(deps),
            second_factor: SecondFactorService::new(deps, &shared),
            secrets: SecretService::new(deps, &shared),
            setup: SetupService::new(deps, &shared),
            sign_in: SignInService::new(deps, &shared, sessions.clone()),
            single_sign_on: SingleSignOnService::new(deps, &shared, sessions.clone()),
            stats: StatsService::new(deps),
            tasks_file: TasksFileService::new(deps, transfer.clone()),
            tokens: TokenService::new(deps, &shared),
            users: UserService::new(deps, &shared),
            clock: deps.clock.clone(),
            zone: deps.zone,
            registry: deps.registry.clone(),
            queues: deps.queues.clone(),
            tasks,
            executions,
            transfer,
            sessions,
        }
    }
}
