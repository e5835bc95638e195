//! The test fixture: the server over a real database, with accounts of every role limited to the tag `red`, and one limited to
//! `blue`.

use belfry::domain::user::{Actor, Role, Via};
use belfry::service::{NewToken, NewUser};
use belfry::{api, web};
use poem::Route;
use poem::http::Method;
use poem::test::TestClient;
use serde_json::{Value, json};

use crate::support::TestDatabase;
use crate::support::context::{TestContext, admin};

pub const PASSWORD: &str = "battery staple";

/// The caller of a request: the columns of the permission tables, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    Nobody,
    Viewer,
    Operator,
    Editor,
    /// An editor with a grant for `send_cmd`.
    Granted,
    Admin,
}

impl Caller {
    pub const ALL: [Caller; 6] =
        [Caller::Nobody, Caller::Viewer, Caller::Operator, Caller::Editor, Caller::Granted, Caller::Admin];

    pub fn name(self) -> &'static str {
        ["", "vera", "otto", "eddie", "greta", "ada"][self as usize]
    }

    fn role(self) -> Role {
        match self {
            Caller::Nobody | Caller::Viewer => Role::Viewer,
            Caller::Operator => Role::Operator,
            Caller::Editor | Caller::Granted => Role::Editor,
            Caller::Admin => Role::Admin,
        }
    }
}

/// The authentication of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthMethod {
    Session,
    Token,
}

pub struct Fixture {
    pub client: TestClient<poem::endpoint::BoxEndpoint<'static, poem::Response>>,
    pub context: TestContext,
    database: TestDatabase,
    /// The session and the token of each of [`Caller::ALL`].
    keys: Vec<(String, String)>,
    count: std::cell::Cell<u32>,
}

/// A response with its body.
pub struct Reply {
    pub status: u16,
    pub text: String,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }
}

impl Fixture {
    pub async fn open() -> Fixture {
        let database = TestDatabase::sqlite().await;
        let context = TestContext::new(&database.database);
        let mut keys = vec![(String::new(), String::new())];
        for caller in Caller::ALL.into_iter().skip(1) {
            let limited = caller != Caller::Admin;
            let new = NewUser {
                name: caller.name().into(),
                role: caller.role(),
                password: Some(PASSWORD.into()),
                grants: if caller == Caller::Granted { vec!["send_cmd".into()] } else { Vec::new() },
                tags: if limited { vec!["red".into()] } else { Vec::new() },
            };
            context.services.users.create(&admin(), &new).await.expect("an account");
            keys.push(sign_in(&context, caller.name()).await);
        }
        let blue = NewUser {
            name: "bill".into(),
            role: Role::Editor,
            password: Some(PASSWORD.into()),
            grants: Vec::new(),
            tags: vec!["blue".into()],
        };
        context.services.users.create(&admin(), &blue).await.expect("an account");
        let routes = api::routes(context.services.clone(), api::Options::default());
        let routes = routes.nest_no_strip("/", web::routes(context.services.clone(), web::Options::default()));
        use poem::EndpointExt;
        let client = TestClient::new(Route::new().nest_no_strip("/", routes).map_to_response().boxed());
        Fixture { client, context, database, keys, count: std::cell::Cell::new(0) }
    }

    pub fn session(&self, caller: Caller) -> &str {
        &self.keys[caller as usize].0
    }

    pub fn token(&self, caller: Caller) -> &str {
        &self.keys[caller as usize].1
    }

    /// A unique name.
    pub fn fresh(&self, prefix: &str) -> String {
        self.count.set(self.count.get() + 1);
        format!("{prefix}-{}", self.count.get())
    }

    /// Sends a request; bodies of event streams are not read.
    pub async fn send(&self, caller: Caller, auth: AuthMethod, method: Method, path: &str, body: Body<'_>) -> Reply {
        let mut request = self.client.request(method, path).header("host", "belfry.test").header("sec-fetch-site", "same-origin");
        if caller != Caller::Nobody {
            request = match auth {
                AuthMethod::Session => request.header("cookie", format!("belfry_session={}", self.session(caller))),
                AuthMethod::Token => request.header("authorization", format!("Bearer {}", self.token(caller))),
            };
        }
        request = match body {
            Body::None => request,
            Body::Json(value) => request.header("content-type", "application/json").body(value.to_string()),
            Body::Form(fields) => {
                let token = web::csrf::token(self.session(caller));
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

    pub async fn get(&self, caller: Caller, path: &str) -> Reply {
        self.send(caller, AuthMethod::Session, Method::GET, path, Body::None).await
    }

    /// Creates a task with a tag; its id begins with the tag.
    pub async fn task(&self, tag: &str) -> String {
        let id = self.fresh(tag);
        let task = json!({"id": id, "type": "echo", "tags": [tag], "trigger": {"type": "cron", "hour": 9},
            "policy": {"on_overlap": "allow"}, "params": {"message": format!("hello from {tag}")}});
        self.context.services.tasks.create(&root(), &task).await.expect("a task");
        id
    }

    /// Creates a task with a tag and queues an execution.
    pub async fn execution(&self, tag: &str) -> String {
        let task = self.task(tag).await;
        self.context.services.executions.run(&root(), &task, None, None).await.expect("an execution").id
    }

    pub async fn close(self) {
        self.database.remove().await;
    }
}

/// The body of a request.
#[derive(Clone, Copy)]
pub enum Body<'b> {
    None,
    Json(&'b Value),
    Form(&'b [(String, String)]),
}

async fn sign_in(context: &TestContext, name: &str) -> (String, String) {
    let (user, session) = context.services.sign_in.without_second_factor(name, PASSWORD, None).await.expect("signs in");
    let actor = context.services.sessions.actor_by_session(&session, Via::Page).await.expect("reads").expect("a valid session");
    assert_eq!(actor.name, user.name);
    let new = NewToken { name: "program".into(), role: None, tags: Vec::new(), expires_at: None };
    let (_, text) = context.services.tokens.create(&actor, &new).await.expect("a token");
    (session, text)
}

pub fn root() -> Actor {
    Actor::local("root")
}
