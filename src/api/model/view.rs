//! The macro that defines a response model together with its conversion, so that each field is written once.

/// Defines a response model with the expression behind each field: `struct V from (x: X) {…}` is also `From<X>`, `struct V new(…) {…}` has a
/// constructor with these arguments. Names for all expressions stand behind `where`.
macro_rules! view {
    (
        $(#[$($meta:tt)*])*
        $vis:vis struct $view:ident from ($model:ident: $type:ty) $(where $($name:pat_param = $value:expr;)+)? {
            $($(#[$($field_meta:tt)*])* $field_vis:vis $field:ident: $field_type:ty = $from:expr,)+
        }
    ) => {
        #[derive(Default, poem_openapi::Object)]
        $(#[$($meta)*])*
        $vis struct $view {
            $($(#[$($field_meta)*])* $field_vis $field: $field_type,)+
        }

        impl From<$type> for $view {
            fn from($model: $type) -> Self {
                $($(let $name = $value;)+)?
                Self { $($field: { $from },)+ }
            }
        }
    };
    (
        $(#[$($meta:tt)*])*
        $vis:vis struct $view:ident new($($arg:ident: $type:ty),+) $(where $($name:pat_param = $value:expr;)+)? {
            $($(#[$($field_meta:tt)*])* $field_vis:vis $field:ident: $field_type:ty = $from:expr,)+
        }
    ) => {
        #[derive(Default, poem_openapi::Object)]
        $(#[$($meta)*])*
        $vis struct $view {
            $($(#[$($field_meta)*])* $field_vis $field: $field_type,)+
        }

        impl $view {
            pub fn new($($arg: $type),+) -> Self {
                $($(let $name = $value;)+)?
                Self { $($field: { $from },)+ }
            }
        }
    };
}
