//! A small XML document as a tree, of limited depth and size. Entities beyond the predefined ones are refused: none is expanded.

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, Event};

use crate::i18n::{Message, message};

const MAX_DEPTH: usize = 32;
const MAX_ELEMENTS: usize = 200_000;

/// An element: its name without prefix, its text, its children, and the comment before it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Element {
    pub name: String,
    pub text: String,
    pub children: Vec<Element>,
    pub comment: Option<String>,
}

impl Element {
    pub fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text of a descendant; `None` if it is absent or empty.
    pub fn find(&self, path: &[&str]) -> Option<&str> {
        let mut element = self;
        for name in path {
            element = element.child(name)?;
        }
        Some(element.text.trim()).filter(|text| !text.is_empty())
    }

    pub fn is_true(&self, path: &[&str], default: bool) -> bool {
        self.find(path).map_or(default, |text| text.eq_ignore_ascii_case("true") || text == "1")
    }
}

/// Parses a document and returns its root.
///
/// # Errors
/// The text is not XML, or exceeds a limit.
pub(super) fn parse(text: &str) -> Result<Element, Message> {
    let mut reader = Reader::from_str(text);
    let (mut open, mut count, mut comment) = (vec![Element::default()], 0, None);
    loop {
        let event = reader.read_event().map_err(|error| message!("schtasks.not_xml", problem = error.to_string()))?;
        let top = open.last_mut();
        match event {
            Event::Start(start) => {
                count += 1;
                if open.len() > MAX_DEPTH || count > MAX_ELEMENTS {
                    return Err(message!("schtasks.too_large"));
                }
                let name = start.local_name().as_ref().to_owned();
                open.push(Element { name, comment: comment.take(), ..Element::default() });
            }
            Event::Empty(start) => {
                let name = start.local_name().as_ref().to_owned();
                top.into_iter().for_each(|top| top.children.push(Element { name: name.clone(), ..Element::default() }));
            }
            Event::End(_) => {
                let element = open.pop().unwrap_or_default();
                open.last_mut().into_iter().for_each(|parent| parent.children.push(element.clone()));
            }
            Event::Text(text) => top.into_iter().for_each(|top| top.text.push_str(&text)),
            Event::CData(text) => top.into_iter().for_each(|top| top.text.push_str(&text)),
            Event::GeneralRef(reference) => {
                let character = entity(&reference).ok_or_else(|| message!("schtasks.not_xml", problem = &*reference))?;
                top.into_iter().for_each(|top| top.text.push_str(&character));
            }
            Event::Comment(text) => comment = Some(text.trim().to_owned()),
            Event::Eof => break,
            _ => {}
        }
    }
    let root = open.first_mut().and_then(|document| document.children.pop());
    root.filter(|_| open.len() == 1).ok_or_else(|| message!("schtasks.not_xml", problem = "</>"))
}

fn entity(reference: &BytesRef<'_>) -> Option<String> {
    match reference.resolve_char_ref().ok()? {
        Some(character) => Some(character.to_string()),
        None => resolve_predefined_entity(reference).map(str::to_owned),
    }
}
