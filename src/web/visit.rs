//! A visit: what a request tells of its reader (who, which language, which theme) and the answers a page can give.

use std::sync::Arc;

use poem::http::uri::Scheme;
use poem::http::{HeaderMap, StatusCode, header};
use poem::web::cookie::Cookie;
use poem::{Request, Response};
use serde_json::json;

use super::error::Failure;
use super::language::{Language, Texts, Theme};
use super::session::{self, Flash};
use super::urls::{self, Pairs};
use super::view::tasks::Ask;
use super::view::{Shell, View};
use super::{Web, csrf};
use crate::domain::fault::Fault;
use crate::domain::user::{Action, Actor, Via};
use crate::net::visitor;
use crate::service::Service;

/// What a handler gives.
pub type Answer = Result<Response, Failure>;

/// One request, as far as pages look at it.
pub struct Visit {
    pub web: Arc<Web>,
    pub language: Language,
    pub theme: Theme,
    pub session: Option<String>,
    pub actor: Option<Actor>,
    /// The reader must set up a second factor before anything else.
    pub must_enrol: bool,
    /// Stands for a sign-in whose second step is to come; empty: none does.
    pub pending: String,
    /// What this browser is known by when it comes back from the identity provider; empty: it was not sent there.
    pub provider_visit: String,
    pub path: String,
    pub query: Pairs,
    pub form: Pairs,
    /// Asked by a script for a part of a page.
    pub partial: bool,
    /// The request came over TLS, here or at a proxy before us.
    pub secure: bool,
    /// The page the reader was on, where it is one of ours.
    pub came_from: Option<String>,
    pub headers: HeaderMap,
    /// Asked from the machine itself.
    pub at_the_machine: bool,
    /// The network address of the client.
    pub peer: Option<String>,
    flash: Option<Flash>,
    id: String,
}

impl Visit {
    /// Reads what the request's head tells; the reader is not recognised yet.
    pub fn begin(web: &Arc<Web>, request: &Request) -> Visit {
        let cookie = |name: &str| request.cookie().get(name).map(|cookie| cookie.value_str().to_owned());
        let accept = request.header(header::ACCEPT_LANGUAGE).unwrap_or_default();
        let chosen = cookie(session::LANGUAGE).and_then(|tag| Language::parse(&tag));
        let host = request.header(header::HOST).unwrap_or_default();
        Visit {
            web: web.clone(),
            language: chosen.unwrap_or_else(|| Language::negotiate(accept)),
            theme: cookie(session::THEME).and_then(|name| Theme::parse(&name)).unwrap_or(Theme::System),
            session: cookie(session::SESSION).filter(|secret| !secret.is_empty()),
            actor: None,
            must_enrol: false,
            pending: cookie(session::PENDING).unwrap_or_default(),
            provider_visit: cookie(session::PROVIDER).unwrap_or_default(),
            path: request.uri().path().to_owned(),
            query: Pairs(request.params().unwrap_or_default()),
            form: Pairs::default(),
            partial: request.header("hx-request").is_some(),
            secure: request.scheme() == &Scheme::HTTPS,
            came_from: request.header(header::REFERER).and_then(|from| urls::local_part(from, host)).map(str::to_owned),
            headers: request.headers().clone(),
            at_the_machine: visitor::at_the_machine(request),
            peer: request.remote_addr().as_socket_addr().map(|peer| peer.ip().to_canonical().to_string()),
            flash: cookie(session::FLASH).and_then(|text| Flash::read(&text)),
            id: request.raw_path_param("id").unwrap_or_default().to_owned(),
        }
    }

    /// Finds out who the reader is.
    ///
    /// # Errors
    /// Where the sessions cannot be read.
    pub async fn recognise(&mut self) -> Result<(), Failure> {
        if let Some(secret) = &self.session
            && let Some((actor, must_enrol)) = self.service().session(secret, Via::Page).await?
        {
            (self.actor, self.must_enrol) = (Some(actor.at(self.peer.clone())), must_enrol);
        }
        Ok(())
    }

    pub fn service(&self) -> &Service {
        &self.web.service
    }

    /// Who is signed in.
    ///
    /// # Errors
    /// [`Failure::SignIn`] where nobody is.
    pub fn actor(&self) -> Result<&Actor, Failure> {
        self.actor.as_ref().ok_or(Failure::SignIn)
    }

    /// Refuses a page to those who may not do what it leads to.
    ///
    /// # Errors
    /// [`Failure::SignIn`], or what the services say.
    pub fn may(&self, action: Action) -> Result<(), Failure> {
        Ok(self.service().may(self.actor()?, action)?)
    }

    /// The id that the path names, decoded.
    pub fn id(&self) -> &str {
        &self.id
    }

    pub fn texts(&self) -> &Texts {
        self.web.templates.texts(self.language)
    }

    pub fn t<'a>(&'a self, key: &'a str) -> &'a str {
        self.texts().get(key)
    }

    /// Faults in the reader's language.
    pub fn translated(&self, faults: &[Fault]) -> Vec<Fault> {
        self.web.templates.phrases(self.language).of(faults)
    }

    /// A message of the services in the reader's language, where it is known there.
    pub fn said(&self, message: &str) -> String {
        self.web.templates.phrases(self.language).translate(message)
    }

    /// The CSRF token of the session; empty without one.
    pub fn token(&self) -> String {
        self.session.as_deref().map(csrf::token).unwrap_or_default()
    }

    /// The path asked for, with its query.
    pub fn address(&self) -> String {
        // What the identity provider sends back serves once and is not to be gone back to.
        if self.path.starts_with("/login/oidc") {
            return "/login".to_owned();
        }
        let pairs: Vec<_> = self.query.0.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        urls::with_query(&urls::header_safe(&self.path), &pairs)
    }

    /// A page; `section` is the entry of the navigation that it belongs to.
    ///
    /// # Errors
    /// A template that wants what its context does not have.
    pub fn page<V: View>(&self, section: &str, view: &V) -> Answer {
        self.page_with(StatusCode::OK, section, view)
    }

    /// As [`Visit::page`], with another status.
    ///
    /// # Errors
    /// A template that wants what its context does not have.
    pub fn page_with<V: View>(&self, status: StatusCode, section: &str, view: &V) -> Answer {
        let shell = Shell::of(self, section, self.flash.as_ref());
        let html = self.web.templates.page(self.language, &shell, view)?;
        let mut response = html_response(status, html);
        if self.flash.is_some() {
            set_cookie(&mut response, &session::removal(session::FLASH));
        }
        Ok(response)
    }

    /// A part of a page, from the template of that part.
    ///
    /// # Errors
    /// A template that wants what its context does not have.
    pub fn fragment(&self, status: StatusCode, template: &str, view: &impl serde::Serialize) -> Answer {
        let shell = Shell::of(self, "", None);
        Ok(html_response(status, self.web.templates.render(self.language, template, &shell, view)?))
    }

    /// A question: in the page's dialog where a script asked, else as a page of its own.
    ///
    /// # Errors
    /// A template that wants what its context does not have.
    pub fn ask(&self, status: StatusCode, section: &str, view: &Ask) -> Answer {
        match self.partial {
            true => self.fragment(status, "fragments/ask.html", view),
            false => self.page_with(status, section, view),
        }
    }

    /// Sends the reader on, with a message for the next page.
    pub fn go(&self, path: &str, flash: Option<&Flash>) -> Response {
        let mut response = redirect(path);
        if let Some(flash) = flash {
            set_cookie(&mut response, &flash.cookie(self.secure));
        }
        response
    }

    /// An action was done: a script is told what to say and which rows to draw anew, a plain form is sent on to `path`.
    pub fn done(&self, flash: &Flash, task: &str, path: &str) -> Response {
        if !self.partial {
            let link = if flash.link == path { "" } else { &flash.link };
            return self.go(path, Some(&Flash::new(&flash.key, &flash.about, link)));
        }
        let text = self.flash_text(flash);
        let event = json!({"belfry:done": {"kind": "success", "text": text, "link": flash.link,
            "look": self.t("action.look"), "task": task}});
        told(StatusCode::NO_CONTENT, &event)
    }

    /// What a message says.
    pub fn flash_text(&self, flash: &Flash) -> String {
        self.texts().fill(&format!("flash.{}", flash.key), &[("about", &flash.about)])
    }

    /// Where to go back to after an action: the page the reader was on, or `otherwise`.
    pub fn back(&self, otherwise: &str) -> String {
        self.came_from.clone().unwrap_or_else(|| otherwise.to_owned())
    }
}

/// Sends the browser on with `GET`.
pub fn redirect(path: &str) -> Response {
    Response::builder().status(StatusCode::SEE_OTHER).header(header::LOCATION, urls::header_safe(path)).finish()
}

/// An empty answer whose news go to the page's script.
pub fn told(status: StatusCode, event: &serde_json::Value) -> Response {
    Response::builder().status(status).header("hx-trigger", ascii(&event.to_string())).header("hx-reswap", "none").finish()
}

/// JSON with everything outside ASCII written as escapes, fit for a header.
fn ascii(json: &str) -> String {
    let mut units = [0; 2];
    json.chars().fold(String::new(), |mut text, c| {
        match c {
            ' '..='~' => text.push(c),
            _ => c.encode_utf16(&mut units).iter().for_each(|unit| text.push_str(&format!("\\u{unit:04x}"))),
        }
        text
    })
}

pub fn set_cookie(response: &mut Response, cookie: &Cookie) {
    if let Ok(value) = cookie.to_string().parse() {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

pub fn html_response(status: StatusCode, html: String) -> Response {
    Response::builder().status(status).content_type("text/html; charset=utf-8").body(html)
}
