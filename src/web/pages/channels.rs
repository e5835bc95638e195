//! Notification channel pages, for administrators. Credentials are write-only.

use std::sync::Arc;

use poem::http::StatusCode;

use super::form_errors;
use crate::domain::fault::Fault;
use crate::domain::notify::channel::{ChannelOptions, ChannelType, known_types};
use crate::domain::page::{Cursor, PageRequest};
use crate::domain::user::Action;
use crate::i18n::message;
use crate::service::{ChannelInfo, ChannelInput, CredentialsInput, Error};
use crate::web::error::Failure;
use crate::web::request_context::{HandlerResult, RequestContext};
use crate::web::session::Flash;
use crate::web::urls::with_query;
use crate::web::view::Pager;
use crate::web::view::channels::{
    ChannelList, ChannelPage, ChannelRow, DeliveryRow, TestView, form_of, href, language_choices, type_choices,
};
use crate::web::view::task_form::Fields;
use crate::web::view::tasks::ConfirmDialog;

const LIST: &str = "/settings/channels";
/// Messages on a channel's page.
const DELIVERIES: u32 = 20;
const SECRET: [&str; 5] = ["/url", "/secret", "/token", "/key", "/proxy"];
const FIELDS: [&str; 20] = [
    "/name",
    "/type",
    "/url",
    "/secret",
    "/token",
    "/key",
    "/proxy",
    "/chat_id",
    "/corp_id",
    "/agent_id",
    "/topic",
    "/keyword",
    "/to",
    "/mentions",
    "/smtp",
    "/sms",
    "/template",
    "/title_template",
    "/body_template",
    "/language",
];

/// `GET /settings/channels`
pub async fn list(ctx: Arc<RequestContext>) -> HandlerResult {
    render_list(&ctx, StatusCode::OK, Fields::default(), String::new()).await
}

/// `POST /settings/channels`: creates a channel.
pub async fn create(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.authorize(Action::Administer)?;
    let name = ctx.form.get("/name").unwrap_or_default();
    let created = match input(&ctx) {
        Ok(input) => ctx.services().notify_channels.create(ctx.actor()?, name, &input).await,
        Err(fault) => Err(Error::Invalid(vec![fault])),
    };
    match created {
        Ok(info) => {
            let name = &info.channel.name;
            Ok(ctx.redirect_with_flash(&href("edit", name), Some(&Flash::new("channel_created", name, ""))))
        }
        Err(error) => {
            let mut form = form_errors::submitted(&ctx, &SECRET);
            let (status, message) = form_errors::apply(&ctx, error, &FIELDS, &mut form)?;
            render_list(&ctx, status, form, message).await
        }
    }
}

/// `GET /settings/channels/edit?name=…`
pub async fn edit(ctx: Arc<RequestContext>) -> HandlerResult {
    let info = requested(&ctx).await?;
    let form = form_of(&info.channel);
    render(&ctx, &info, StatusCode::OK, form, String::new(), None).await
}

/// `POST /settings/channels/edit?name=…`: replaces a channel; empty credentials stay.
pub async fn update(ctx: Arc<RequestContext>) -> HandlerResult {
    let info = requested(&ctx).await?;
    let name = &info.channel.name;
    let updated = match input(&ctx) {
        Ok(input) => ctx.services().notify_channels.update(ctx.actor()?, name, &input).await,
        Err(fault) => Err(Error::Invalid(vec![fault])),
    };
    match updated {
        Ok(_) => Ok(ctx.redirect_with_flash(&href("edit", name), Some(&Flash::new("channel_saved", name, "")))),
        Err(error) => {
            let mut form = form_errors::submitted(&ctx, &SECRET);
            let (status, message) = form_errors::apply(&ctx, error, &FIELDS, &mut form)?;
            render(&ctx, &info, status, form, message, None).await
        }
    }
}

/// `POST /settings/channels/test?name=…`: sends a test message; shows the page with the provider's answer.
pub async fn test(ctx: Arc<RequestContext>) -> HandlerResult {
    let name = requested(&ctx).await?.channel.name;
    let tested = ctx.services().notify_channels.test(ctx.actor()?, &name).await;
    let info = requested(&ctx).await?;
    let form = form_of(&info.channel);
    match tested {
        Ok(outcome) => render(&ctx, &info, StatusCode::OK, form, String::new(), Some(TestView::new(&outcome))).await,
        Err(Error::TooManyRequests(message)) => {
            let message = ctx.translate(&message);
            render(&ctx, &info, StatusCode::TOO_MANY_REQUESTS, form, message, None).await
        }
        Err(error) => Err(error.into()),
    }
}

/// `GET /settings/channels/delete?name=…`
pub async fn confirm_delete(ctx: Arc<RequestContext>) -> HandlerResult {
    let name = requested(&ctx).await?.channel.name;
    let view = ConfirmDialog::plain("delete_channel", &name, href("delete", &name), ctx.return_path(LIST));
    ctx.confirm(StatusCode::OK, "settings", &view)
}

/// `POST /settings/channels/delete?name=…`
pub async fn delete(ctx: Arc<RequestContext>) -> HandlerResult {
    let name = ctx.query.raw("name").unwrap_or_default();
    ctx.services().notify_channels.delete(ctx.actor()?, name).await?;
    Ok(ctx.action_done(&Flash::new("channel_deleted", name, ""), name, LIST))
}

async fn render_list(ctx: &RequestContext, status: StatusCode, form: Fields, message: String) -> HandlerResult {
    let all = ctx.services().notify_channels.list(ctx.actor()?).await?;
    let view = ctx.view();
    let rows = all.iter().map(|info| ChannelRow::new(&view, info)).collect();
    let (types, languages) = (type_choices(&view), language_choices(&view));
    ctx.page_with(status, "settings", &ChannelList { rows, message, form, types, languages })
}

async fn render(
    ctx: &RequestContext,
    info: &ChannelInfo,
    status: StatusCode,
    form: Fields,
    message: String,
    test_result: Option<TestView>,
) -> HandlerResult {
    let name = &info.channel.name;
    let request = PageRequest { size: DELIVERIES, cursor: ctx.query.get("cursor").and_then(Cursor::decode) };
    let found = ctx.services().notify_channels.deliveries(ctx.actor()?, name, &request).await?;
    let view = ctx.view();
    let page = ChannelPage {
        row: ChannelRow::new(&view, info),
        from_file: info.channel.from_file,
        test_result,
        deliveries: found.items.iter().map(|message| DeliveryRow::new(&view, message)).collect(),
        pager: Pager::new(&found, |cursor| with_query("/settings/channels/edit", &[("name", name), ("cursor", cursor)])),
        message,
        form,
        types: type_choices(&view),
        languages: language_choices(&view),
        delete: href("delete", name),
        test: href("test", name),
    };
    ctx.page_with(status, "settings", &page)
}

async fn requested(ctx: &RequestContext) -> Result<ChannelInfo, Failure> {
    Ok(ctx.services().notify_channels.get(ctx.actor()?, ctx.query.raw("name").unwrap_or_default()).await?)
}

/// The submitted channel. An empty credential leaves the former one unchanged.
fn input(ctx: &RequestContext) -> Result<ChannelInput, Fault> {
    let text = |name: &str| ctx.form.get(name).map(str::to_owned).filter(|text| !text.is_empty());
    let list = |name: &str| {
        let entries = ctx.form.get(name).unwrap_or_default().split([',', '\n']).map(str::trim);
        entries.filter(|entry| !entry.is_empty()).map(str::to_owned).collect()
    };
    let kind = ctx.form.get("/type").and_then(ChannelType::parse);
    let channel_type = kind.ok_or_else(|| Fault::new("/type", message!("channel.type_required", known = known_types())))?;
    Ok(ChannelInput {
        channel_type,
        options: ChannelOptions {
            chat_id: text("/chat_id"),
            corp_id: text("/corp_id"),
            agent_id: text("/agent_id"),
            topic: text("/topic"),
            keyword: text("/keyword"),
            to: list("/to"),
            mentions: list("/mentions"),
            smtp: text("/smtp"),
            sms: text("/sms"),
            template: text("/template"),
            title_template: text("/title_template"),
            body_template: text("/body_template"),
            language: text("/language"),
        },
        credentials: CredentialsInput {
            url: text("/url"),
            secret: text("/secret"),
            token: text("/token"),
            key: text("/key"),
            proxy: text("/proxy"),
        },
    })
}
