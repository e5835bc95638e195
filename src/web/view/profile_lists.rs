//! Lists of mail servers, SMS providers and HTTP profiles, without their credentials.

use std::collections::BTreeMap;

use serde::Serialize;

use super::View;
use super::incidents::PageLink;
use super::managed::{Managed, sample_managed, unreadable};
use super::resources::ConnectionTestView;
use super::task_form::Fields;
use crate::domain::profile::{Http, ProfileKind, Profiles, Sms, Smtp};

/// The list of the profiles of a kind, with the form of a test.
#[derive(Debug, Clone, Serialize)]
pub struct ProfileList<R> {
    pub rows: Vec<R>,
    /// Those that cannot be decrypted.
    pub unreadable: Vec<PageLink>,
    /// Result of the test that was just run.
    pub test_result: Option<ConnectionTestView>,
    pub message: String,
    pub form: Fields,
}

/// A row of a list.
pub trait ProfileRow: Serialize + Clone + Send {
    type Settings;
    const KIND: ProfileKind;
    const TEMPLATE: &'static str;

    /// The profiles of this kind.
    fn profiles(all: &Profiles) -> &BTreeMap<String, Self::Settings>;
    fn new(name: &str, settings: &Self::Settings, managed: Managed) -> Self;
    fn samples() -> Vec<Self>;
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MailRow {
    pub name: String,
    pub host: String,
    pub port: u16,
    /// Encryption: `implicit`, `starttls` or `none`.
    pub tls: &'static str,
    /// Default sender.
    pub sender: String,
    pub managed: Managed,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SmsRow {
    pub name: String,
    pub provider: &'static str,
    /// Signature.
    pub sign: String,
    pub template: String,
    pub managed: Managed,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HttpRow {
    pub name: String,
    pub base_url: String,
    /// `none`, `bearer`, `basic`, `api_key` or `token`.
    pub sign_in: &'static str,
    pub managed: Managed,
}

impl ProfileRow for MailRow {
    type Settings = Smtp;
    const KIND: ProfileKind = ProfileKind::Smtp;
    const TEMPLATE: &'static str = "pages/mail.html";

    fn profiles(all: &Profiles) -> &BTreeMap<String, Smtp> {
        &all.smtp
    }

    fn new(name: &str, smtp: &Smtp, managed: Managed) -> MailRow {
        let sender = smtp.sender().unwrap_or_default().to_owned();
        let (host, port, tls) = (smtp.host().to_owned(), smtp.port(), smtp.tls().as_str());
        MailRow { name: name.to_owned(), host, port, tls, sender, managed }
    }

    fn samples() -> Vec<MailRow> {
        let row = |tls, sender: &str| MailRow {
            name: "<b>".into(),
            host: "<b>".into(),
            port: 465,
            tls,
            sender: sender.into(),
            managed: sample_managed(sender.is_empty()),
        };
        vec![row("implicit", "<b>"), row("starttls", ""), row("none", "")]
    }
}

impl ProfileRow for SmsRow {
    type Settings = Sms;
    const KIND: ProfileKind = ProfileKind::Sms;
    const TEMPLATE: &'static str = "pages/sms.html";

    fn profiles(all: &Profiles) -> &BTreeMap<String, Sms> {
        &all.sms
    }

    fn new(name: &str, sms: &Sms, managed: Managed) -> SmsRow {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let provider = sms.provider.map_or("", |provider| provider.as_str());
        SmsRow { name: name.to_owned(), provider, sign: text(&sms.sign), template: text(&sms.template), managed }
    }

    fn samples() -> Vec<SmsRow> {
        let row = |text: &str| SmsRow {
            name: "<b>".into(),
            provider: "aliyun",
            sign: text.into(),
            template: text.into(),
            managed: sample_managed(text.is_empty()),
        };
        vec![row("<b>"), row("")]
    }
}

impl ProfileRow for HttpRow {
    type Settings = Http;
    const KIND: ProfileKind = ProfileKind::Http;
    const TEMPLATE: &'static str = "pages/http_profiles.html";

    fn profiles(all: &Profiles) -> &BTreeMap<String, Http> {
        &all.http
    }

    fn new(name: &str, http: &Http, managed: Managed) -> HttpRow {
        let base_url = http.base_url.clone().unwrap_or_default();
        HttpRow { name: name.to_owned(), base_url, sign_in: http.sign_in().as_str(), managed }
    }

    fn samples() -> Vec<HttpRow> {
        let row = |sign_in| HttpRow {
            name: "<b>".into(),
            base_url: "<b>".into(),
            sign_in,
            managed: sample_managed(sign_in != "bearer"),
        };
        ["none", "bearer", "basic", "api_key", "token"].map(row).into()
    }
}

impl<R: ProfileRow> View for ProfileList<R> {
    const TEMPLATE: &'static str = R::TEMPLATE;

    fn samples() -> Vec<Self> {
        let page = |rows, ok: Option<bool>, message: &str| ProfileList {
            rows,
            unreadable: unreadable(R::KIND, &["<b>".to_owned()]),
            test_result: ok.map(|ok| ConnectionTestView { name: "<b>".into(), ok, elapsed: 12, text: "<b>".into() }),
            message: message.into(),
            form: Fields::default(),
        };
        vec![page(R::samples(), Some(true), ""), page(R::samples(), Some(false), "…"), page(Vec::new(), None, "")]
    }
}
