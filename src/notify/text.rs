//! Texts of messages: notices put into words within a provider's limit. What is left out is never the name of a task.

use crate::domain::notify::message::Notice;
use crate::i18n::message;

/// How a provider counts the length of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    Bytes,
    Characters,
    /// UTF-16 code units.
    Utf16,
}

/// What a provider takes: the length, and how characters with a meaning are written.
#[derive(Debug, Clone, Copy)]
pub struct TextForm {
    pub max: usize,
    pub measure: Measure,
    /// The replacement of a character that has a meaning for the provider.
    pub escape: fn(char) -> Option<&'static str>,
}

impl TextForm {
    pub const fn new(max: usize, measure: Measure, escape: fn(char) -> Option<&'static str>) -> Self {
        Self { max, measure, escape }
    }

    /// A form with another maximum.
    pub const fn at_most(self, max: usize) -> Self {
        Self { max, ..self }
    }

    fn length(self, text: &str) -> usize {
        match self.measure {
            Measure::Bytes => text.len(),
            Measure::Characters => text.chars().count(),
            Measure::Utf16 => text.chars().map(char::len_utf16).sum(),
        }
    }

    /// A character as the provider takes it. Control characters have no place in a message.
    fn push(self, out: &mut String, c: char) {
        match (self.escape)(c) {
            Some(replacement) => out.push_str(replacement),
            None if c.is_control() && c != '\n' => out.push(' '),
            None => out.push(c),
        }
    }

    /// Whether a text is not cut.
    pub fn fits(self, text: &str) -> bool {
        self.length(&self.escaped(text)) <= self.max
    }

    /// The text, escaped.
    pub fn escaped(self, text: &str) -> String {
        text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
            self.push(&mut out, c);
            out
        })
    }

    /// The text, escaped and cut to the maximum; `…` stands for what is cut off.
    pub fn cut(self, text: &str) -> String {
        let whole = self.escaped(text);
        if self.length(&whole) <= self.max {
            return whole;
        }
        let room = self.max.saturating_sub(self.length("…"));
        let (mut out, mut piece, mut used) = (String::new(), String::new(), 0);
        for c in text.chars() {
            piece.clear();
            self.push(&mut piece, c);
            used += self.length(&piece);
            if used > room {
                break;
            }
            out.push_str(&piece);
        }
        if self.max >= self.length("…") {
            out.push('…');
        }
        out
    }

    /// As [`TextForm::cut`], but keeps the end: the last lines of an error say what happened.
    fn cut_start(self, text: &str) -> String {
        if self.length(&self.escaped(text)) <= self.max {
            return self.escaped(text);
        }
        let room = self.max.saturating_sub(self.length("…"));
        let (mut from, mut piece, mut used) = (text.len(), String::new(), 0);
        for (at, c) in text.char_indices().rev() {
            piece.clear();
            self.push(&mut piece, c);
            used += self.length(&piece);
            if used > room {
                break;
            }
            from = at;
        }
        format!("…{}", self.escaped(&text[from..]))
    }
}

/// No character has a meaning.
pub const fn plain(_: char) -> Option<&'static str> {
    None
}

/// `&`, `<` and `>` as HTML entities.
pub const fn entities(c: char) -> Option<&'static str> {
    match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        _ => None,
    }
}

/// `<` as a full-width character, so that no tag begins.
pub const fn no_tags(c: char) -> Option<&'static str> {
    match c {
        '<' => Some("＜"),
        _ => None,
    }
}

/// Markdown's own characters behind a backslash; each line is a paragraph.
pub const fn markdown(c: char) -> Option<&'static str> {
    match c {
        '\n' => Some("\n\n"),
        '\\' => Some("\\\\"),
        '`' => Some("\\`"),
        '*' => Some("\\*"),
        '_' => Some("\\_"),
        '{' => Some("\\{"),
        '}' => Some("\\}"),
        '[' => Some("\\["),
        ']' => Some("\\]"),
        '(' => Some("\\("),
        ')' => Some("\\)"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '#' => Some("\\#"),
        '!' => Some("\\!"),
        '|' => Some("\\|"),
        '~' => Some("\\~"),
        _ => None,
    }
}

/// The most characters of a title in a list.
const LISTED_TITLE_MAX: usize = 120;

/// The title of a message: that of its only notice, or how many there are.
pub fn title(notices: &[&Notice]) -> String {
    match notices {
        [only] => only.title.clone(),
        several => {
            let language = several.first().map(|notice| notice.language);
            let count = message!("channel.group_title", count = several.len());
            language.map_or_else(String::new, |language| count.text(language))
        }
    }
}

/// The text below the title, which may be cut. `link` is the URL of the page with more.
pub fn body(notices: &[&Notice], title_is_cut: bool, link: Option<&str>, form: TextForm) -> String {
    match notices {
        [only] => of_one(only, if title_is_cut { "" } else { &only.title }, link, form),
        several => of_several(several, link, form),
    }
}

/// Title and text as one text.
pub fn whole(notices: &[&Notice], link: Option<&str>, form: TextForm) -> String {
    let (title, short) = (title(notices), form.at_most(form.max / 3));
    let (title, is_cut) = (short.cut(&title), !short.fits(&title));
    let rest = form.max.saturating_sub(form.length(&title) + 2);
    let body = body(notices, is_cut, link, form.at_most(rest));
    if body.is_empty() { title } else { format!("{title}\n{body}") }
}

/// How many of the notices one message can name, at least one.
pub fn fitting(notices: &[&Notice], form: TextForm) -> usize {
    // A third is left to the title, the link and the line ends.
    let room = form.max - form.max / 3;
    let mut used = 0;
    let fits = notices.iter().take_while(|notice| {
        used += form.length(&form.escaped(&listed(notice))) + form.length(&form.escaped("\n"));
        used <= room
    });
    fits.count().max(1)
}

/// The names that the title lacks, fields, the end of the error and the link; what is too long is left out from the error first, then from the fields.
fn of_one(notice: &Notice, title: &str, link: Option<&str>, form: TextForm) -> String {
    if let Some(own) = &notice.body {
        return of_template(notice, own, title, link, form);
    }
    let mut lines = Lines::new(form);
    let names = missing_names(notice, title);
    lines.reserve(link);
    if !names.is_empty() {
        lines.push(&names.join(", "));
    }
    for field in &notice.fields {
        lines.push(&format!("{}: {}", field.label, field.value));
    }
    if let Some(error) = &notice.error {
        lines.push_end(error);
    }
    lines.finish(link)
}

/// The names that title and text lack, the text of a template, and the link if the text lacks it.
fn of_template(notice: &Notice, own: &str, title: &str, link: Option<&str>, form: TextForm) -> String {
    let mut lines = Lines::new(form);
    let link = link.filter(|link| !own.contains(*link));
    lines.reserve(link);
    // A name that stands at the end of a long text may be cut off.
    let kept = form.at_most(lines.room.saturating_sub(2)).cut(own);
    let names: Vec<&str> = missing_names(notice, title).into_iter().filter(|name| !kept.contains(&form.escaped(name))).collect();
    if !names.is_empty() {
        lines.push(&names.join(", "));
    }
    lines.push(own);
    lines.finish(link)
}

fn of_several(notices: &[&Notice], link: Option<&str>, form: TextForm) -> String {
    let mut lines = Lines::new(form);
    lines.reserve(link);
    notices.iter().for_each(|notice| lines.push(&listed(notice)));
    lines.finish(link)
}

/// A notice as a line of a list, with all names.
fn listed(notice: &Notice) -> String {
    let title = crate::domain::input::truncate(&notice.title, LISTED_TITLE_MAX);
    match missing_names(notice, &title) {
        names if names.is_empty() => format!("• {title}"),
        names => format!("• {}: {title}", names.join(", ")),
    }
}

/// The names that a text does not contain.
fn missing_names<'n>(notice: &'n Notice, text: &str) -> Vec<&'n str> {
    notice.subjects.iter().map(String::as_str).filter(|name| !text.contains(*name)).collect()
}

/// The lines of a text, as long as there is room.
struct Lines {
    form: TextForm,
    text: String,
    room: usize,
}

impl Lines {
    fn new(form: TextForm) -> Self {
        Self { form, text: String::new(), room: form.max }
    }

    /// Keeps room for the last line.
    fn reserve(&mut self, link: Option<&str>) {
        let needed = link.map_or(0, |link| self.form.length(link) + 2);
        self.room = self.room.saturating_sub(needed);
    }

    fn push(&mut self, line: &str) {
        let cut = self.form.at_most(self.room.saturating_sub(2)).cut(line);
        self.add(&cut);
    }

    /// As `push`; keeps the end of a text that is too long.
    fn push_end(&mut self, text: &str) {
        // Less than this says nothing.
        const WORTHWHILE: usize = 20;
        if self.room > WORTHWHILE {
            let cut = self.form.at_most(self.room.saturating_sub(2)).cut_start(text.trim_end());
            self.add(&cut);
        }
    }

    fn add(&mut self, line: &str) {
        if line.is_empty() {
            return;
        }
        let newline = self.form.escaped("\n");
        self.room = self.room.saturating_sub(self.form.length(line) + self.form.length(&newline));
        if !self.text.is_empty() {
            self.text.push_str(&newline);
        }
        self.text.push_str(line);
    }

    fn finish(mut self, link: Option<&str>) -> String {
        if let Some(link) = link {
            self.room = self.form.length(link) + 2;
            self.add(link);
        }
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::notify::event::NotifyEvent;
    use crate::domain::notify::message::Field;
    use crate::i18n::Language;

    const WECOM: TextForm = TextForm::new(2_048, Measure::Bytes, no_tags);

    fn notice(name: &str) -> Notice {
        let mut notice = Notice::new(name, NotifyEvent::Failed, Language::English, format!("{name} failed"));
        notice.subjects = vec![name.to_owned()];
        notice
    }

    #[test]
    fn a_long_error_keeps_its_end_and_the_link() {
        let mut long = notice("nightly");
        long.fields = vec![Field { label: "Started".into(), value: "08:00".into() }];
        long.error = Some(format!("{}\nthe last line", "错误 ".repeat(2_000)));
        let text = whole(&[&long], Some("https://belfry.example.com/executions/1"), WECOM);
        assert!(text.len() <= 2_048, "{}", text.len());
        assert!(text.starts_with("nightly failed\nStarted: 08:00\n…"), "{text}");
        assert!(text.ends_with("the last line\nhttps://belfry.example.com/executions/1"), "{text}");
    }

    #[test]
    fn a_group_names_every_task() {
        let all: Vec<Notice> = (0..1_000).map(|n| notice(&format!("任务 {n:04} {}", "x".repeat(n % 190)))).collect();
        let all: Vec<&Notice> = all.iter().collect();
        for form in [WECOM, TextForm::new(1_000, Measure::Characters, plain), TextForm::new(4_096, Measure::Utf16, markdown)] {
            let mut rest = all.as_slice();
            while !rest.is_empty() {
                let (these, later) = rest.split_at(fitting(rest, form));
                let text = whole(these, Some("https://belfry.example.com/incidents"), form);
                assert!(form.length(&text) <= form.max, "{} of {}", form.length(&text), form.max);
                for notice in these {
                    assert!(text.contains(&form.escaped(&notice.subjects[0])), "{} is missing in {text}", notice.subjects[0]);
                }
                rest = later;
            }
        }
    }

    #[test]
    fn names_that_the_title_lacks_come_first() {
        let mut several = notice("a");
        several.title = "2 tasks failed".into();
        several.subjects = vec!["a1".into(), "b1".into()];
        assert_eq!(whole(&[&several], None, WECOM), "2 tasks failed\na1, b1");
        assert_eq!(listed(&several), "• a1, b1: 2 tasks failed");
    }

    #[test]
    fn the_text_of_a_template_keeps_names_and_link() {
        let mut own = notice("nightly");
        own.title = "Something failed".into();
        own.fields = vec![Field { label: "Since".into(), value: "08:00".into() }];
        own.body = Some("Call 555".into());
        let link = Some("https://belfry.example.com/executions/1");
        let text = whole(&[&own], link, WECOM);
        assert_eq!(text, "Something failed\nnightly\nCall 555\nhttps://belfry.example.com/executions/1");
        own.body = Some(format!("{}nightly https://belfry.example.com/executions/1", "x".repeat(10)));
        assert_eq!(whole(&[&own], link, WECOM).matches("nightly").count(), 1);
        own.body = Some(format!("{}nightly", "长".repeat(4_000)));
        let text = whole(&[&own], link, WECOM);
        assert!(text.len() <= 2_048 && text.contains("\nnightly\n") && text.ends_with("/executions/1"), "{text}");
    }

    #[test]
    fn markup_is_escaped_before_it_is_measured() {
        let form = TextForm::new(10, Measure::Bytes, entities);
        assert_eq!(form.cut("a<b>c"), "a&lt;b…");
        assert_eq!(TextForm::new(40, Measure::Bytes, entities).cut("<!channel> & co"), "&lt;!channel&gt; &amp; co");
        assert_eq!(TextForm::new(40, Measure::Bytes, markdown).cut("[x](http://y)"), "\\[x\\]\\(http://y\\)");
        assert_eq!(TextForm::new(9, Measure::Bytes, plain).cut("\u{1b}[31mred"), " [31mred");
    }
}
