//! The pages: that every template draws in both languages, that no text bypasses the language files, and that the pages
//! answer as they should, on a database of its own for each test.

mod audit;
mod files;
mod forms;
mod messengers;
mod pages;
mod resources;
mod safety;
mod second_factor;
mod site;
#[path = "../support/mod.rs"]
mod support;
mod templates;
mod tokens;
mod transfer;
mod users;
mod versions;
mod views;
