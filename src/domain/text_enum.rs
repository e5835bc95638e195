//! Enums whose variants have fixed names in storage and in API answers.

/// Defines such an enum: `Variant = "name"`. `ALL` lists the variants, `WORDS` with their names; `as_str` returns
/// a name, `parse` reads one.
macro_rules! text_enum {
    (
        $(#[$meta:meta])*
        pub enum $type:ident { $($(#[$variant_meta:meta])* $variant:ident = $name:literal,)+ }
    ) => {
        $(#[$meta])*
        pub enum $type {
            $($(#[$variant_meta])* $variant,)+
        }

        impl $type {
            pub const ALL: [$type; [$($name),+].len()] = [$($type::$variant),+];

            #[allow(dead_code, reason = "not every enum is chosen by its name")]
            pub const WORDS: [(&'static str, $type); $type::ALL.len()] = [$(($name, $type::$variant)),+];

            pub const fn as_str(self) -> &'static str {
                match self {
                    $($type::$variant => $name,)+
                }
            }

            pub fn parse(text: &str) -> Option<$type> {
                $type::ALL.into_iter().find(|variant| variant.as_str() == text)
            }
        }
    };
}
pub(crate) use text_enum;

#[cfg(test)]
mod tests {
    text_enum! {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Color {
            Red = "red",
            DarkBlue = "dark_blue",
        }
    }

    #[test]
    fn names_of_a_text_enum_round_trip() {
        assert_eq!(Color::ALL.map(Color::as_str), ["red", "dark_blue"]);
        assert!(Color::ALL.into_iter().all(|color| Color::parse(color.as_str()) == Some(color)));
        assert_eq!(Color::parse("DarkBlue"), None);
    }
}
