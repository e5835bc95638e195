//! Resistance to timing attacks: every refused sign-in computes one password hash. Counts hashes instead of measuring time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use belfry::domain::user::Role;
use belfry::service::{NewUser, UserChange};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use crate::support::TestDatabase;
use crate::support::context::{TestContext, admin};

/// Counts the computed password hashes by their log event.
#[derive(Clone, Default)]
struct Hashes(Arc<AtomicUsize>);

impl<S: Subscriber> Layer<S> for Hashes {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        struct Message(bool);
        impl Visit for Message {
            fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
                self.0 |= field.name() == "message" && format!("{value:?}") == "computing password hash";
            }
        }
        let mut message = Message(false);
        event.record(&mut message);
        self.0.fetch_add(usize::from(message.0), Ordering::SeqCst);
    }
}

#[tokio::test]
async fn every_refused_sign_in_computes_one_hash() {
    let hashes = Hashes::default();
    let _counting = tracing::subscriber::set_default(tracing_subscriber::registry().with(hashes.clone()));
    let db = TestDatabase::sqlite().await;
    let services = TestContext::new(&db.database).services;
    services.setup.create_admin("root", "long enough").await.unwrap();
    for (name, password) in [("off", Some("long enough")), ("bot", None)] {
        let new = NewUser {
            name: name.into(),
            role: Role::Viewer,
            password: password.map(Into::into),
            grants: Vec::new(),
            tags: Vec::new(),
        };
        services.users.create(&admin(), &new).await.unwrap();
    }
    let disabled = UserChange { disabled: Some(true), ..UserChange::default() };
    services.users.update(&admin(), "off", &disabled).await.unwrap();
    for (name, password, what) in [
        ("root", "wrong", "a wrong password"),
        ("nobody", "long enough", "an unknown name"),
        ("off", "long enough", "a disabled account"),
        ("bot", "long enough", "an account without a password"),
    ] {
        let before = hashes.0.load(Ordering::SeqCst);
        let refused = services.sign_in.without_second_factor(name, password, None).await.unwrap_err().to_string();
        assert_eq!(refused, "the name or the password is wrong", "{what}");
        assert_eq!(hashes.0.load(Ordering::SeqCst) - before, 1, "{what}");
    }
    db.remove().await;
}
