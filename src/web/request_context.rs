//! Request context: user, language, theme and form of a page request, and helpers to build responses.

use std::sync::Arc;

use poem::http::uri::Scheme;
use poem::http::{HeaderMap, Method, StatusCode, header};
use poem::{Request, Response};
use serde_json::json;

use super::error::Failure;
use super::session::{self, Flash};
use super::theme::Theme;
use super::urls::{self, Pairs};
use super::view::context::ViewContext;
use super::view::fault_text::FaultText;
use super::view::freezes::{Banners, FreezeRow};
use super::view::tasks::ConfirmDialog;
use super::view::{FlashView, LayoutRequest, PageLayout, View};
use super::{Web, csrf};
use crate::domain::calendar::Freeze;
use crate::domain::fault::Fault;
use crate::domain::user::{Action, Actor, Via};
use crate::i18n::{Language, Message, Texts};
use crate::net::{cookie, local_request, own_address};
use crate::service::{Services, allow};

/// Result of a page handler.
pub type HandlerResult = Result<Response, Failure>;

/// Context of one page request.
pub struct RequestContext {
    pub web: Arc<Web>,
    pub language: Language,
    pub theme: Theme,
    pub session: Option<String>,
    pub actor: Option<Actor>,
    /// The user must set up a second factor first.
    pub must_enrol: bool,
    /// Token of a sign-in that awaits its second step, from its cookie; empty without one.
    pub pending: String,
    /// Cookie that binds a sign-in through the identity provider to this browser; empty without one.
    pub provider_cookie: String,
    pub path: String,
    /// The request changes something.
    pub is_post: bool,
    pub query: Pairs,
    pub form: Pairs,
    /// The request comes from htmx and expects a fragment.
    pub partial: bool,
    /// The request came over TLS, directly or to a trusted proxy.
    pub secure: bool,
    /// Path and query of the referring page, if it is on this server.
    pub referer: Option<String>,
    pub headers: HeaderMap,
    /// The request comes from the server's own machine.
    pub is_local_request: bool,
    /// IP address of the client.
    pub peer: Option<String>,
    /// Position in the events before anything of the page is read.
    position: String,
    flash: Option<Flash>,
    id: String,
    second_id: String,
    /// The freezes in force that concern the user.
    freezes: Vec<Freeze>,
    /// The year that China's calendar lacks.
    missing_year: Option<i32>,
    /// The number of open incidents in the scope of the user.
    open_incidents: i64,
}

impl RequestContext {
    /// Reads the request's headers and cookies; the user is not authenticated yet.
    pub fn from_request(web: &Arc<Web>, request: &Request) -> RequestContext {
        let cookie = |name: &str| cookie::read(request.headers(), name);
        let accept = request.header(header::ACCEPT_LANGUAGE).unwrap_or_default();
        let chosen = cookie(session::LANGUAGE).and_then(Language::parse);
        let host = request.header(header::HOST).unwrap_or_default();
        RequestContext {
            web: web.clone(),
            language: chosen.unwrap_or_else(|| Language::negotiate(accept)),
            theme: cookie(session::THEME).and_then(Theme::parse).unwrap_or(Theme::System),
            session: cookie(session::SESSION).filter(|secret| !secret.is_empty()).map(str::to_owned),
            actor: None,
            must_enrol: false,
            pending: cookie(session::PENDING).unwrap_or_default().to_owned(),
            provider_cookie: cookie(session::PROVIDER).unwrap_or_default().to_owned(),
            path: request.uri().path().to_owned(),
            is_post: request.method() == Method::POST,
            query: Pairs(request.params().unwrap_or_default()),
            form: Pairs::default(),
            partial: request.header("hx-request").is_some() || request.header(header::ACCEPT) == Some("text/event-stream"),
            secure: request.scheme() == &Scheme::HTTPS,
            referer: request.header(header::REFERER).and_then(|from| urls::page_of(from, host, &web.options.base_path)),
            headers: request.headers().clone(),
            is_local_request: local_request::is_local_request(request),
            peer: request.remote_addr().as_socket_addr().map(|peer| peer.ip().to_canonical().to_string()),
            position: web.services.events.bus().position(),
            flash: cookie(session::FLASH).and_then(Flash::read),
            freezes: Vec::new(),
            missing_year: None,
            open_incidents: 0,
            id: request.raw_path_param("id").unwrap_or_default().to_owned(),
            second_id: request.raw_path_param("second").unwrap_or_default().to_owned(),
        }
    }

    /// Authenticates the user by the session cookie.
    pub async fn authenticate(&mut self) -> Result<(), Failure> {
        if let Some(secret) = &self.session
            && let Some((actor, must_enrol)) = self.services().sessions.authenticate(secret, Via::Page).await?
        {
            (self.actor, self.must_enrol) = (Some(actor.with_address(self.peer.clone())), must_enrol);
        }
        Ok(())
    }

    /// Reads what every page tells its user.
    pub async fn read_banners(&mut self) -> Result<(), Failure> {
        if let Some(actor) = self.actor.as_ref().filter(|_| !self.partial) {
            self.freezes = self.services().freezes.in_force(actor).await?;
            self.missing_year = self.services().calendars.missing_year().await?;
            self.open_incidents = self.services().incidents.open_count(actor).await?;
        }
        Ok(())
    }

    pub fn services(&self) -> &Services {
        &self.web.services
    }

    /// Returns the signed-in user.
    ///
    /// # Errors
    /// [`Failure::SignIn`] if nobody is signed in.
    pub fn actor(&self) -> Result<&Actor, Failure> {
        self.actor.as_ref().ok_or(Failure::SignIn)
    }

    /// Checks that the user may do an action.
    ///
    /// # Errors
    /// [`Failure::SignIn`] if nobody is signed in, or [`Failure::Service`] if the role does not allow it.
    pub fn authorize(&self, action: Action) -> Result<(), Failure> {
        Ok(allow(self.actor()?, action)?)
    }

    /// Whether the user may run, pause and select tasks.
    pub fn can_run(&self) -> bool {
        self.actor.as_ref().is_some_and(|actor| actor.role.allows(Action::Run))
    }

    /// The id in the path, decoded.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The second id in the path, of a part of what the first one names.
    pub fn second_id(&self) -> &str {
        &self.second_id
    }

    /// The URL of a path of this server, for other programs.
    pub fn own_address(&self, path: &str) -> String {
        let public_url = self.services().public_url.as_deref();
        own_address(public_url, &self.headers, self.secure, &self.web.options.base_path, path)
    }

    pub fn texts(&self) -> &Texts {
        self.web.templates.texts(self.language)
    }

    pub fn t<'a>(&'a self, key: &'a str) -> &'a str {
        self.texts().get(key)
    }

    /// Puts faults into words in the user's language.
    pub fn translate_faults(&self, faults: &[Fault]) -> Vec<FaultText> {
        faults.iter().map(|fault| FaultText::from_fault(fault, self.language)).collect()
    }

    /// Puts a message into words in the user's language.
    pub fn translate(&self, message: &Message) -> String {
        message.text(self.language)
    }

    /// Puts messages into words, separated by semicolons.
    pub fn translate_all(&self, messages: &[Message]) -> String {
        let separator = if self.language == Language::Chinese { "；" } else { "; " };
        messages.iter().map(|message| self.translate(message)).collect::<Vec<_>>().join(separator)
    }

    /// The CSRF token of the session; empty without a session.
    pub fn csrf_token(&self) -> String {
        self.session.as_deref().map(csrf::token).unwrap_or_default()
    }

    /// Path and query of the request.
    pub fn path_and_query(&self) -> String {
        // The identity provider's callback URL works only once; do not return to it.
        if self.path.starts_with("/login/oidc") {
            return "/login".to_owned();
        }
        let pairs: Vec<_> = self.query.0.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        urls::with_query(&urls::header_safe(&self.path), &pairs)
    }

    /// The values that views are built from.
    pub fn view(&self) -> ViewContext<'_> {
        let services = self.services();
        ViewContext {
            language: self.language,
            texts: self.texts(),
            actor: self.actor.as_ref(),
            zone: services.zone,
            now: services.clock.now(),
            registry: &services.registry,
        }
    }

    fn layout(&self, section: &str, flash: Option<&Flash>) -> PageLayout {
        let request = LayoutRequest {
            theme: self.theme.as_str(),
            csrf: self.csrf_token(),
            section,
            address: self.path_and_query(),
            position: self.position.clone(),
            flash: flash.map(|flash| FlashView { text: self.flash_text(flash), link: flash.link.clone() }),
            open_incidents: self.open_incidents,
            banners: Banners {
                freezes: self.freezes.iter().map(|freeze| FreezeRow::new(&self.view(), freeze)).collect(),
                missing_year: self.missing_year.unwrap_or_default(),
            },
        };
        PageLayout::new(&self.view(), request)
    }

    /// Renders a page; `section` is the active entry of the navigation.
    pub fn page<V: View>(&self, section: &str, view: &V) -> HandlerResult {
        self.page_with(StatusCode::OK, section, view)
    }

    /// Like [`RequestContext::page`], with another status.
    pub fn page_with<V: View>(&self, status: StatusCode, section: &str, view: &V) -> HandlerResult {
        let layout = self.layout(section, self.flash.as_ref());
        let html = self.web.templates.page(self.language, &layout, view)?;
        let mut response = html_response(status, html);
        if self.flash.is_some() {
            set_cookie(&mut response, &session::removal(session::FLASH));
        }
        Ok(response)
    }

    /// Renders a fragment of a page.
    pub fn fragment(&self, status: StatusCode, template: &str, view: &impl serde::Serialize) -> HandlerResult {
        let layout = self.layout("", None);
        Ok(html_response(status, self.web.templates.render(self.language, template, &layout, view)?))
    }

    /// Renders a confirmation: a fragment for the page's dialog if htmx requests it, else a full page.
    pub fn confirm(&self, status: StatusCode, section: &str, view: &ConfirmDialog) -> HandlerResult {
        match self.partial {
            true => self.fragment(status, "fragments/confirm.html", view),
            false => self.page_with(status, section, view),
        }
    }

    /// Redirects, with a message for the next page.
    pub fn redirect_with_flash(&self, path: &str, flash: Option<&Flash>) -> Response {
        let mut response = redirect(path);
        if let Some(flash) = flash {
            set_cookie(&mut response, &flash.cookie(self.secure));
        }
        response
    }

    /// Responds to a completed action: to htmx with an event (message, rows to update), to a plain form with a redirect to `path`.
    pub fn action_done(&self, flash: &Flash, task: &str, path: &str) -> Response {
        if !self.partial {
            let link = if flash.link == path { "" } else { &flash.link };
            return self.redirect_with_flash(path, Some(&Flash::new(&flash.key, &flash.about, link)));
        }
        let text = self.flash_text(flash);
        let event = json!({"belfry:done": {"kind": "success", "text": text, "link": self.below_base(&flash.link),
            "link_text": self.t("action.view"), "task": task}});
        trigger_event(StatusCode::NO_CONTENT, &event)
    }

    /// Responds to the deletion of a task: on the task's own page with a redirect to the list, elsewhere as to any action.
    pub fn deletion_done(&self, flash: &Flash, task: &str, page: &str) -> Response {
        let here = self.referer.as_deref().and_then(|from| from.split('?').next());
        if !self.partial || here != Some(page) {
            return self.action_done(flash, task, "/tasks");
        }
        let mut response = Response::builder().status(StatusCode::NO_CONTENT).header("hx-redirect", "/tasks").finish();
        set_cookie(&mut response, &flash.cookie(self.secure));
        response
    }

    /// A path as the browser needs it: below the base path. An empty one stays empty.
    fn below_base(&self, path: &str) -> String {
        if path.is_empty() { String::new() } else { format!("{}{path}", self.web.options.base_path) }
    }

    /// The key of a submitted form: a repeated submission starts nothing new.
    pub fn form_key(&self) -> Option<&str> {
        self.form.get("key").filter(|key| key.len() <= 64 && key.bytes().all(|byte| byte.is_ascii_alphanumeric()))
    }

    /// A key for a new form.
    pub fn new_form_key(&self) -> String {
        self.services().executions.new_idempotency_key()
    }

    /// Returns the text of a flash message.
    pub fn flash_text(&self, flash: &Flash) -> String {
        self.texts().fill(&format!("flash.{}", flash.key), &[("about", &flash.about)])
    }

    /// Returns the page to return to after an action: the referring page, or `otherwise`.
    pub fn return_path(&self, otherwise: &str) -> String {
        self.referer.clone().unwrap_or_else(|| otherwise.to_owned())
    }
}

/// Redirects with status 303, so that the browser uses `GET`.
pub fn redirect(path: &str) -> Response {
    Response::builder().status(StatusCode::SEE_OTHER).header(header::LOCATION, urls::header_safe(path)).finish()
}

/// An empty response with an event for the page's script.
pub fn trigger_event(status: StatusCode, event: &serde_json::Value) -> Response {
    Response::builder().status(status).header("hx-trigger", ascii(&event.to_string())).header("hx-reswap", "none").finish()
}

/// Escapes non-ASCII characters of JSON, for use in a header.
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

pub fn set_cookie(response: &mut Response, cookie: &session::Cookie) {
    if let Ok(value) = cookie.to_string().parse() {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

pub fn html_response(status: StatusCode, html: String) -> Response {
    Response::builder().status(status).content_type("text/html; charset=utf-8").body(html)
}
