//! The whole server over a real database, with people of every role in the team red, and another team, blue.

use belfry::domain::user::{Actor, Role, Via};
use belfry::service::{NewToken, NewUser};
use belfry::{api, web};
use poem::Route;
use poem::http::Method;
use poem::test::TestClient;
use serde_json::{Value, json};

use crate::support::TestDatabase;
use crate::support::parts::{TestParts, admin};

pub const PASSWORD: &str = "battery staple";

/// Who asks. The table's columns, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    Nobody,
    Viewer,
    Operator,
    Editor,
    /// An editor with a grant for `send_cmd`.
    Granted,
    Admin,
}

impl Who {
    pub const ALL: [Who; 6] = [Who::Nobody, Who::Viewer, Who::Operator, Who::Editor, Who::Granted, Who::Admin];

    pub fn name(self) -> &'static str {
        ["", "vera", "otto", "eddie", "greta", "ada"][self as usize]
    }

    fn role(self) -> Role {
        match self {
            Who::Nobody | Who::Viewer => Role::Viewer,
            Who::Operator => Role::Operator,
            Who::Editor | Who::Granted => Role::Editor,
            Who::Admin => Role::Admin,
        }
    }
}

/// By which way somebody comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Session,
    Token,
}

pub struct House {
    pub client: TestClient<poem::endpoint::BoxEndpoint<'static, poem::Response>>,
    pub parts: TestParts,
    database: TestDatabase,
    /// Of each of [`Who::ALL`]: the session and the token.
    keys: Vec<(String, String)>,
    count: std::cell::Cell<u32>,
}

/// An answer, read to its end.
pub struct Reply {
    pub status: u16,
    pub text: String,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }
}

impl House {
    pub async fn open() -> House {
        let database = TestDatabase::sqlite().await;
        let parts = TestParts::new(&database.database);
        let mut keys = vec![(String::new(), String::new())];
        for who in Who::ALL.into_iter().skip(1) {
            let limited = who != Who::Admin;
            let new = NewUser {
                name: who.name().into(),
                role: who.role(),
                password: Some(PASSWORD.into()),
                grants: if who == Who::Granted { vec!["send_cmd".into()] } else { Vec::new() },
                tags: if limited { vec!["red".into()] } else { Vec::new() },
            };
            parts.service.create_user(&admin(), &new).await.expect("an account");
            keys.push(sign_in(&parts, who.name()).await);
        }
        let blue = NewUser {
            name: "bill".into(),
            role: Role::Editor,
            password: Some(PASSWORD.into()),
            grants: Vec::new(),
            tags: vec!["blue".into()],
        };
        parts.service.create_user(&admin(), &blue).await.expect("an account");
        let routes = api::routes(parts.service.clone(), api::Options::default());
        let routes = routes.nest_no_strip("/", web::routes(parts.service.clone(), web::Options::default()));
        use poem::EndpointExt;
        let client = TestClient::new(Route::new().nest_no_strip("/", routes).map_to_response().boxed());
        House { client, parts, database, keys, count: std::cell::Cell::new(0) }
    }

    pub fn session(&self, who: Who) -> &str {
        &self.keys[who as usize].0
    }

    pub fn token(&self, who: Who) -> &str {
        &self.keys[who as usize].1
    }

    /// A name that no other has.
    pub fn fresh(&self, prefix: &str) -> String {
        self.count.set(self.count.get() + 1);
        format!("{prefix}-{}", self.count.get())
    }

    /// A request as its sender makes it; streams are not read.
    pub async fn send(&self, who: Who, way: Way, method: Method, path: &str, body: Body<'_>) -> Reply {
        let mut request = self.client.request(method, path).header("host", "belfry.test").header("sec-fetch-site", "same-origin");
        if who != Who::Nobody {
            request = match way {
                Way::Session => request.header("cookie", format!("belfry_session={}", self.session(who))),
                Way::Token => request.header("authorization", format!("Bearer {}", self.token(who))),
            };
        }
        request = match body {
            Body::None => request,
            Body::Json(value) => request.header("content-type", "application/json").body(value.to_string()),
            Body::Form(fields) => {
                let token = web::csrf::token(self.session(who));
                let mut fields = fields.to_vec();
                fields.push(("csrf".to_owned(), token));
                let encode = web::urls::encode;
                let pairs: Vec<_> = fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
                request.header("content-type", "application/x-www-form-urlencoded").body(pairs.join("&"))
            }
        };
        let response = request.send().await.0;
        let status = response.status().as_u16();
        let streams = response.content_type().is_some_and(|kind| kind.starts_with("text/event-stream"));
        let text = if streams { String::new() } else { response.into_body().into_string().await.expect("text") };
        Reply { status, text }
    }

    pub async fn get(&self, who: Who, path: &str) -> Reply {
        self.send(who, Way::Session, Method::GET, path, Body::None).await
    }

    /// A task of a team; its id begins with the team's name.
    pub async fn task(&self, team: &str) -> String {
        let id = self.fresh(team);
        let task = json!({"id": id, "type": "echo", "tags": [team], "trigger": {"type": "cron", "hour": 9},
            "params": {"message": format!("hello from {team}")}});
        self.parts.service.create_task(&root(), &task).await.expect("a task");
        id
    }

    /// An execution of a new task of a team, which waits.
    pub async fn execution(&self, team: &str) -> String {
        let task = self.task(team).await;
        self.parts.service.run_task(&root(), &task, None, None).await.expect("an execution").id
    }

    pub async fn close(self) {
        self.database.remove().await;
    }
}

/// What a request carries.
#[derive(Clone, Copy)]
pub enum Body<'b> {
    None,
    Json(&'b Value),
    Form(&'b [(String, String)]),
}

async fn sign_in(parts: &TestParts, name: &str) -> (String, String) {
    let (user, session) = parts.service.sign_in(name, PASSWORD, None).await.expect("signs in");
    let actor = parts.service.actor_by_session(&session, Via::Page).await.expect("reads").expect("somebody");
    assert_eq!(actor.name, user.name);
    let new = NewToken { name: "program".into(), role: None, tags: Vec::new(), expires_at: None };
    let (_, text) = parts.service.create_token(&actor, &new).await.expect("a token");
    (session, text)
}

pub fn root() -> Actor {
    Actor::local("root")
}
