//! Views of the configured mail servers and SMS providers, without their credentials.

use serde::Serialize;

use super::View;
use super::incidents::PageLink;
use super::managed::{Managed, sample_managed};
use super::resources::ConnectionTestView;
use super::task_form::Fields;
use crate::domain::profile::{ProfileKind, Sms, Smtp};

#[derive(Debug, Clone, Serialize)]
pub struct MailPage {
    pub rows: Vec<MailRow>,
    /// Those that cannot be decrypted.
    pub unreadable: Vec<PageLink>,
    /// Result of the connection test that was just run.
    pub test_result: Option<ConnectionTestView>,
    pub message: String,
    pub form: Fields,
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

#[derive(Debug, Clone, Serialize)]
pub struct SmsPage {
    pub rows: Vec<SmsRow>,
    /// Those that cannot be decrypted.
    pub unreadable: Vec<PageLink>,
    pub test_result: Option<ConnectionTestView>,
    pub message: String,
    pub form: Fields,
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

impl MailRow {
    pub fn new(name: &str, smtp: &Smtp, from_file: bool) -> MailRow {
        let sender = smtp.sender().unwrap_or_default().to_owned();
        let managed = Managed::new(ProfileKind::Smtp, name, from_file);
        let (host, port, tls) = (smtp.host().to_owned(), smtp.port(), smtp.tls().as_str());
        MailRow { name: name.to_owned(), host, port, tls, sender, managed }
    }
}

impl SmsRow {
    pub fn new(name: &str, sms: &Sms, from_file: bool) -> SmsRow {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let provider = sms.provider.map_or("", |provider| provider.as_str());
        let managed = Managed::new(ProfileKind::Sms, name, from_file);
        SmsRow { name: name.to_owned(), provider, sign: text(&sms.sign), template: text(&sms.template), managed }
    }
}

fn test_results() -> [Option<ConnectionTestView>; 2] {
    [true, false].map(|ok| Some(ConnectionTestView { name: "<b>".into(), ok, elapsed: 12, text: "<b>".into() }))
}

impl View for MailPage {
    const TEMPLATE: &'static str = "pages/mail.html";

    fn samples() -> Vec<Self> {
        let row = |tls, sender: &str| MailRow {
            name: "<b>".into(),
            host: "<b>".into(),
            port: 465,
            tls,
            sender: sender.into(),
            managed: sample_managed(sender.is_empty()),
        };
        let rows = vec![row("implicit", "<b>"), row("starttls", ""), row("none", "")];
        let page = |test_result, message: &str| MailPage {
            rows: rows.clone(),
            unreadable: Vec::new(),
            test_result,
            message: message.into(),
            form: Fields::default(),
        };
        let [good, bad] = test_results();
        vec![page(good, ""), page(bad, "…"), MailPage { rows: vec![], ..page(None, "") }]
    }
}

impl View for SmsPage {
    const TEMPLATE: &'static str = "pages/sms.html";

    fn samples() -> Vec<Self> {
        let row = |text: &str| SmsRow {
            name: "<b>".into(),
            provider: "aliyun",
            sign: text.into(),
            template: text.into(),
            managed: sample_managed(text.is_empty()),
        };
        let rows = vec![row("<b>"), row("")];
        let page = |test_result, message: &str| SmsPage {
            rows: rows.clone(),
            unreadable: Vec::new(),
            test_result,
            message: message.into(),
            form: Fields::default(),
        };
        let [good, bad] = test_results();
        vec![page(good, ""), page(bad, "…"), SmsPage { rows: vec![], ..page(None, "") }]
    }
}
