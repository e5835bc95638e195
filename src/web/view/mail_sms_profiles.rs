//! Views of the configured mail servers and SMS providers, without their credentials.

use serde::Serialize;

use super::View;
use super::resources::ConnectionTestView;
use super::task_form::Fields;
use crate::domain::profile::{Sms, Smtp};

#[derive(Debug, Clone, Serialize)]
pub struct MailPage {
    pub rows: Vec<MailRow>,
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
}

#[derive(Debug, Clone, Serialize)]
pub struct SmsPage {
    pub rows: Vec<SmsRow>,
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
}

impl MailRow {
    pub fn new(name: &str, smtp: &Smtp) -> MailRow {
        let sender = smtp.sender().unwrap_or_default().to_owned();
        MailRow { name: name.to_owned(), host: smtp.host().to_owned(), port: smtp.port(), tls: smtp.tls().as_str(), sender }
    }
}

impl SmsRow {
    pub fn new(name: &str, sms: &Sms) -> SmsRow {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let provider = sms.provider.map_or("", |provider| provider.as_str());
        SmsRow { name: name.to_owned(), provider, sign: text(&sms.sign), template: text(&sms.template) }
    }
}

fn test_results() -> [Option<ConnectionTestView>; 2] {
    [true, false].map(|ok| Some(ConnectionTestView { name: "<b>".into(), ok, elapsed: 12, text: "<b>".into() }))
}

impl View for MailPage {
    const TEMPLATE: &'static str = "pages/mail.html";

    fn samples() -> Vec<Self> {
        let row = |tls, sender: &str| MailRow { name: "<b>".into(), host: "<b>".into(), port: 465, tls, sender: sender.into() };
        let rows = vec![row("implicit", "<b>"), row("starttls", ""), row("none", "")];
        let page = |test_result, message: &str| MailPage {
            rows: rows.clone(),
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
        let row = |text: &str| SmsRow { name: "<b>".into(), provider: "aliyun", sign: text.into(), template: text.into() };
        let rows = vec![row("<b>"), row("")];
        let page = |test_result, message: &str| SmsPage {
            rows: rows.clone(),
            test_result,
            message: message.into(),
            form: Fields::default(),
        };
        let [good, bad] = test_results();
        vec![page(good, ""), page(bad, "…"), SmsPage { rows: vec![], ..page(None, "") }]
    }
}
