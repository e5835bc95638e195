//! Permission tests: every API operation and page, without authentication and for each role, by session and by token, on tasks
//! inside and outside the caller's tag scope. An operation or page without a row fails.

mod audit;
mod calls;
mod docs;
mod fixture;
mod isolation;
mod pages;
mod streams;
#[path = "../support/mod.rs"]
mod support;
mod tag_scope;
mod tokens;
