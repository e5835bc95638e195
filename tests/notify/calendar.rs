//! The incident of a year that China's calendar lacks.

use belfry::domain::calendar::ImportFormat;
use belfry::service::CalendarImport;
use serde_json::json;

use crate::alarm_rig::AlarmRig;
use crate::for_each_database;
use crate::support::at;
use crate::support::context::admin;

for_each_database! {
    async fn a_missing_year_is_told_from_10_december_until_it_is_imported(db: &TestDatabase) {
        let rig = AlarmRig::new(&db.database);
        rig.rule(json!({"events": ["calendar_missing"]})).await;
        rig.context.clock.set(at("2026-12-09T15:59:00Z"));
        rig.check().await;
        assert_eq!(rig.incidents().await.len(), 0);
        rig.context.clock.set(at("2026-12-09T16:00:00Z"));
        for _ in 0..3 {
            rig.check().await;
        }
        let [incident] = &rig.incidents().await[..] else { panic!("one incident") };
        assert_eq!((incident.subject.as_str(), incident.count, incident.closed_at), ("calendar:cn", 1, None));
        let text = r#"{"years": {"2027": {"off": ["01-01"]}}}"#;
        let import = CalendarImport { text, format: ImportFormat::Json, dry_run: false, if_match: None };
        rig.context.services.calendars.import(&admin(), "cn", import).await.expect("imports");
        rig.check().await;
        assert!(rig.incidents().await[0].closed_at.is_some());
    }
}
