//! HTML pages: rendering of all templates in both languages, completeness of the locale files, and page behavior.

mod audit;
mod channels;
mod files;
mod forms;
mod given;
mod mail_sms_profiles;
mod pages;
mod profiles;
mod queries;
mod queues;
mod rendering;
mod repeated;
mod resources;
mod run_errors;
mod second_factor;
mod security;
mod site;
#[path = "../support/mod.rs"]
mod support;
mod templates;
mod tokens;
mod transfer;
mod users;
mod versions;
mod views;
