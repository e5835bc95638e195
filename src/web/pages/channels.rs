//! Notification channel pages, for administrators. Credentials are write-only.

use std::sync::Arc;

use poem::http::StatusCode;

use super::form_errors;
use crate::domain::fault::Fault;
use crate::domain::notify::channel::{Channel, ChannelType};
use crate::domain::page::{Cursor, PageRequest};
use crate::domain::user::Action;
use crate::i18n::message;
use crate::service::{ChannelInfo, ChannelInput, CredentialsInput, Error};
use crate::web::error::Failure;
use crate::web::request_context::{HandlerResult, RequestContext};
use crate::web::session::Flash;
use crate::web::urls::with_query;
use crate::web::view::channel_form::{ChannelForm, ChannelTypePart, form_of};
use crate::web::view::channels::{ChannelList, ChannelPage, ChannelRow, DeliveryRow, TestView, href};
use crate::web::view::task_form::Fields;
use crate::web::view::tasks::ConfirmDialog;
use crate::web::view::{Pager, View};

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
    if asks_for_fields(&ctx) {
        return render_list(&ctx, StatusCode::OK, form_errors::submitted(&ctx, &SECRET), String::new()).await;
    }
    let name = ctx.form.get("/name").unwrap_or_default();
    let created = match input(&ctx, None) {
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
    if asks_for_fields(&ctx) {
        let form = form_errors::submitted(&ctx, &SECRET);
        return render(&ctx, &info, StatusCode::OK, form, String::new(), None).await;
    }
    let name = &info.channel.name;
    let updated = match input(&ctx, Some(&info.channel)) {
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

/// `POST /settings/channels/-/type`: the fields of the chosen type.
pub async fn type_part(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.authorize(Action::Administer)?;
    let channel = ChannelForm::new(&ctx.view(), form_errors::submitted(&ctx, &SECRET));
    ctx.fragment(StatusCode::OK, ChannelTypePart::TEMPLATE, &ChannelTypePart { channel })
}

/// Whether the form is to be drawn again with the fields of the chosen type, without saving; without scripts.
fn asks_for_fields(ctx: &RequestContext) -> bool {
    ctx.form.get("show") == Some("fields")
}

/// `POST /settings/channels/test?name=…`: sends a test message; shows the page with the provider's answer.
pub async fn test(ctx: Arc<RequestContext>) -> HandlerResult {
    let name = requested(&ctx).await?.channel.name;
    let tested = ctx.services().notify_channels.test(ctx.actor()?, &name).await;
    let info = requested(&ctx).await?;
    let form = form_of(&info.channel);
    match tested {
        Ok(outcome) => render(&ctx, &info, StatusCode::OK, form, String::new(), Some(TestView::new(&ctx.view(), &outcome))).await,
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
    ctx.page_with(status, "settings", &ChannelList { rows, message, channel: ChannelForm::new(&view, form) })
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
        channel: ChannelForm::new(&view, form),
        delete: href("delete", name),
        test: href("test", name),
    };
    ctx.page_with(status, "settings", &page)
}

async fn requested(ctx: &RequestContext) -> Result<ChannelInfo, Failure> {
    Ok(ctx.services().notify_channels.get(ctx.actor()?, ctx.query.raw("name").unwrap_or_default()).await?)
}

/// The submitted channel. An empty credential leaves the former one unchanged; a field that the type's form does not have stays as
/// it is in `former` while the type does.
fn input(ctx: &RequestContext, former: Option<&Channel>) -> Result<ChannelInput, Fault> {
    let text = |name: &str| ctx.form.get(name).map(str::to_owned).filter(|text| !text.is_empty());
    let list = |name: &str| {
        let entries = ctx.form.get(name).unwrap_or_default().split([',', '\n']).map(str::trim);
        entries.filter(|entry| !entry.is_empty()).map(str::to_owned).collect()
    };
    let kind = ctx.form.get("/type").and_then(ChannelType::parse);
    let channel_type = kind.ok_or_else(|| Fault::new("/type", message!("channel.choose_type")))?;
    let kept = former.filter(|channel| channel.channel_type == channel_type);
    let mut options = kept.map(|channel| channel.options.clone()).unwrap_or_default();
    (options.title_template, options.body_template) = (text("/title_template"), text("/body_template"));
    options.language = text("/language");
    let mut credentials = CredentialsInput::default();
    for field in channel_type.fields() {
        let name = format!("/{field}");
        match *field {
            "chat_id" => options.chat_id = text(&name),
            "corp_id" => options.corp_id = text(&name),
            "agent_id" => options.agent_id = text(&name),
            "topic" => options.topic = text(&name),
            "keyword" => options.keyword = text(&name),
            "to" => options.to = list(&name),
            "mentions" => options.mentions = list(&name),
            "smtp" => options.smtp = text(&name),
            "sms" => options.sms = text(&name),
            "template" => options.template = text(&name),
            "url" => credentials.url = text(&name),
            "secret" => credentials.secret = text(&name),
            "token" => credentials.token = text(&name),
            "key" => credentials.key = text(&name),
            "proxy" => credentials.proxy = text(&name),
            _ => {}
        }
    }
    Ok(ChannelInput { channel_type, options, credentials })
}
