//! Values read from a pickle.

/// A value of a pickle.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    None,
    Bool(bool),
    Int(i128),
    /// An integer of 2^127 or more, below 2^128.
    Big(u128),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
    List(Vec<Data>),
    Tuple(Vec<Data>),
    Set(Vec<Data>),
    Dict(Vec<(Data, Data)>),
    /// A class or function by name, `module.name`.
    Global(String),
    /// The object that calling `class` with `args` and then setting `state` would create.
    Object {
        class: String,
        args: Vec<Data>,
        state: Box<Data>,
    },
}

impl Data {
    pub fn text(&self) -> Option<&str> {
        match self {
            Data::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn int(&self) -> Option<i64> {
        match self {
            Data::Int(number) => i64::try_from(*number).ok(),
            _ => None,
        }
    }

    /// Returns an item of a dict by name; `Data::None` if it is absent.
    pub fn get(&self, name: &str) -> &Data {
        let items = if let Data::Dict(items) = self { items.as_slice() } else { &[] };
        items.iter().rfind(|(key, _)| key.text() == Some(name)).map_or(&Data::None, |(_, value)| value)
    }

    /// Returns the items of a list, a tuple or a set; empty for other values.
    pub fn items(&self) -> &[Data] {
        match self {
            Data::List(items) | Data::Tuple(items) | Data::Set(items) => items,
            _ => &[],
        }
    }
}
