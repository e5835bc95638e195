//! Mail servers and SMS providers of the settings, without who signs in to them, or how.

use serde::Serialize;

use super::View;
use super::resources::TrialView;
use super::task_form::Fields;
use crate::domain::profile::{Sms, Smtp};

#[derive(Debug, Clone, Serialize)]
pub struct MailPage {
    pub rows: Vec<MailRow>,
    /// What came of the trial that was just asked for.
    pub trial: Option<TrialView>,
    pub message: String,
    pub form: Fields,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MailRow {
    pub name: String,
    pub host: String,
    pub port: u16,
    /// The key of its text: `implicit`, `starttls` or `none`.
    pub tls: &'static str,
    /// The sender of mails that name none.
    pub sender: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct SmsPage {
    pub rows: Vec<SmsRow>,
    pub trial: Option<TrialView>,
    pub message: String,
    pub form: Fields,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SmsRow {
    pub name: String,
    pub provider: &'static str,
    /// The signature, and the template of messages that name none.
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

fn trials() -> [Option<TrialView>; 2] {
    [true, false].map(|ok| Some(TrialView { name: "<b>".into(), ok, elapsed: 12, text: "<b>".into() }))
}

impl View for MailPage {
    const TEMPLATE: &'static str = "pages/mail.html";

    fn samples() -> Vec<Self> {
        let row = |tls, sender: &str| MailRow { name: "<b>".into(), host: "<b>".into(), port: 465, tls, sender: sender.into() };
        let rows = vec![row("implicit", "<b>"), row("starttls", ""), row("none", "")];
        let page =
            |trial, message: &str| MailPage { rows: rows.clone(), trial, message: message.into(), form: Fields::default() };
        let [good, bad] = trials();
        vec![page(good, ""), page(bad, "…"), MailPage { rows: vec![], ..page(None, "") }]
    }
}

impl View for SmsPage {
    const TEMPLATE: &'static str = "pages/sms.html";

    fn samples() -> Vec<Self> {
        let row = |text: &str| SmsRow { name: "<b>".into(), provider: "aliyun", sign: text.into(), template: text.into() };
        let rows = vec![row("<b>"), row("")];
        let page = |trial, message: &str| SmsPage { rows: rows.clone(), trial, message: message.into(), form: Fields::default() };
        let [good, bad] = trials();
        vec![page(good, ""), page(bad, "…"), SmsPage { rows: vec![], ..page(None, "") }]
    }
}
