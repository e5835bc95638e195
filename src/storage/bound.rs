//! What a statement is given besides its text: the values that it binds, and how many rows are wanted.

/// How many rows of a result are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    First,
    All,
}

/// A value that a statement binds; `None` is null.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bound {
    Text(Option<String>),
    Integer(Option<i64>),
    Flag(bool),
}

impl Bound {
    /// The size of a text.
    pub fn bytes(&self) -> usize {
        if let Self::Text(Some(text)) = self { text.len() } else { 0 }
    }
}

/// Implements the conversion of types into [`Bound`].
macro_rules! bound {
    ($($type:ty: $form:ident $given:ident => $value:expr),* $(,)?) => {$(
        impl From<$type> for Bound {
            fn from($given: $type) -> Self {
                Self::$form($value)
            }
        }
    )*};
}

bound! {
    String: Text text => Some(text),
    &String: Text text => Some(text.clone()),
    &str: Text text => Some(text.to_owned()),
    Option<String>: Text text => text,
    &Option<String>: Text text => text.clone(),
    Option<&str>: Text text => text.map(str::to_owned),
    Option<&String>: Text text => text.cloned(),
    i64: Integer number => Some(number),
    &i64: Integer number => Some(*number),
    Option<i64>: Integer number => number,
    bool: Flag flag => flag,
}
