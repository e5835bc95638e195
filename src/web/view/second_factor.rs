//! The second step of a sign-in, and the second factor of one's own account.

use qrcode::{Color, EcLevel, QrCode};
use serde::Serialize;

use super::View;
use super::task_form::Fields;
use crate::service::Standing;

#[derive(Debug, Clone, Default, Serialize)]
pub struct LoginCode {
    pub next: String,
    /// Why the code was refused; empty on the first look.
    pub message: String,
}

impl View for LoginCode {
    const TEMPLATE: &'static str = "pages/login_code.html";

    fn samples() -> Vec<Self> {
        vec![LoginCode::default(), LoginCode { next: "/tasks".into(), message: "…".into() }]
    }
}

#[derive(Debug, Clone, Serialize)]
pub struct SecondFactorPage {
    /// `not_here`, `off`, `begun` or `on`.
    pub state: &'static str,
    /// Nothing else can be done before it is set up.
    pub required: bool,
    /// For typing, in groups of four.
    pub secret: String,
    pub picture: Option<Picture>,
    pub recovery_left: i64,
    /// Recovery codes that were just made; empty: none were.
    pub codes: Vec<String>,
    pub form: Fields,
    pub message: String,
}

/// A QR code as the shape of its dark fields, one unit a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Picture {
    /// Fields a side, with the quiet zone.
    pub side: usize,
    /// What an SVG's `path` draws.
    pub path: String,
}

/// Light fields around the code, which readers need.
const QUIET: usize = 4;

impl Picture {
    /// `None` where the text is too long for a QR code.
    pub fn of(text: &str) -> Option<Picture> {
        let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
        let (width, colors) = (code.width(), code.to_colors());
        let mut path = String::new();
        for (y, row) in colors.chunks(width).enumerate() {
            let mut x = 0;
            while x < width {
                let run = row[x..].iter().take_while(|color| **color == Color::Dark).count();
                if run > 0 {
                    path.push_str(&format!("M{} {}h{run}v1h-{run}z", x + QUIET, y + QUIET));
                }
                x += run.max(1);
            }
        }
        Some(Picture { side: width + 2 * QUIET, path })
    }
}

impl SecondFactorPage {
    pub fn new(standing: &Standing, required: bool, form: Fields, message: String) -> SecondFactorPage {
        let (codes, secret) = (Vec::new(), String::new());
        let plain = SecondFactorPage { state: "off", required, secret, picture: None, recovery_left: 0, codes, form, message };
        match standing {
            Standing::NotHere => SecondFactorPage { state: "not_here", ..plain },
            Standing::Off => plain,
            Standing::Begun(enrolment) => SecondFactorPage {
                state: "begun",
                secret: in_groups(&enrolment.secret),
                picture: Picture::of(&enrolment.uri),
                ..plain
            },
            Standing::On { recovery_left } => SecondFactorPage { state: "on", recovery_left: *recovery_left, ..plain },
        }
    }
}

fn in_groups(secret: &str) -> String {
    let letters: Vec<char> = secret.chars().collect();
    letters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

impl View for SecondFactorPage {
    const TEMPLATE: &'static str = "pages/second_factor.html";

    fn samples() -> Vec<Self> {
        use crate::service::Enrolment;
        let page =
            |standing, required, message: &str| SecondFactorPage::new(&standing, required, Fields::default(), message.into());
        let begun = Standing::Begun(Enrolment { secret: "ABCDEFGH".into(), uri: "otpauth://totp/Belfry:alice".into() });
        let made = page(Standing::On { recovery_left: 10 }, true, "");
        vec![
            page(Standing::NotHere, false, ""),
            page(Standing::Off, true, "…"),
            page(Standing::Off, false, ""),
            page(begun, false, ""),
            page(Standing::On { recovery_left: 0 }, false, "…"),
            SecondFactorPage { codes: vec!["abcd-efgh".into()], ..made },
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_shows_the_fields_of_the_code() {
        let picture = Picture::of("otpauth://totp/Belfry:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").expect("fits");
        // The finder pattern in the corner: a line of seven dark fields, after the quiet zone.
        assert!(picture.path.starts_with("M4 4h7v1h-7z"), "{}", picture.path);
        assert!((picture.side - 2 * QUIET - 21).is_multiple_of(4), "a size that QR codes have");
        assert_eq!(Picture::of(&"x".repeat(5000)), None);
    }
}
