//! Who may do what, as a table: every call of the API and every page, for nobody and for each role, by session and by token,
//! on tasks of one's own team and of another's. A call or page without a row fails.

mod audit;
mod calls;
mod house;
mod isolation;
mod pages;
mod streams;
#[path = "../support/mod.rs"]
mod support;
mod teams;
mod tokens;
