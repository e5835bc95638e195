//! Languages and words: messages by code, the texts of pages and command line, durations and numbers. Uses only the embedded files.
//!
//! A [`Message`] is a code with named arguments. `locales/messages/*.{en,zh-CN}.toml` have one template per code and
//! language; `{name}` is replaced by an argument, `{count:run|runs}` by a word that depends on a number.

mod catalog;
mod language;
mod locales;
mod message;
mod quantities;
mod template;
mod text;
mod texts;

pub use catalog::{Catalog, catalog};
pub use language::Language;
pub use message::Message;
pub(crate) use message::message;
pub use quantities::thousands;
pub use text::Text;
pub use texts::Texts;
