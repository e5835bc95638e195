//! Views of the second sign-in step and of the user's own second factor.

use qrcode::{Color, EcLevel, QrCode};
use serde::Serialize;

use super::View;
use super::task_form::Fields;
use crate::service::TwoFactorStatus;

#[derive(Debug, Clone, Default, Serialize)]
pub struct LoginCode {
    pub next: String,
    /// Why the code was rejected; empty at first.
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
    /// The user must set it up before using other pages.
    pub required: bool,
    /// The secret in groups of four characters, for manual entry.
    pub secret: String,
    pub qr_image: Option<QrImage>,
    pub recovery_left: i64,
    /// Newly generated recovery codes, else empty.
    pub codes: Vec<String>,
    pub form: Fields,
    pub message: String,
}

/// A QR code as an SVG path of its dark modules, one unit per module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QrImage {
    /// Modules per side, including the quiet zone.
    pub side: usize,
    /// The `d` attribute of the SVG path.
    pub path: String,
}

/// Width of the quiet zone in modules (ISO/IEC 18004).
const QUIET_ZONE: usize = 4;

impl QrImage {
    /// Returns `None` if the text is too long for a QR code.
    pub fn from_text(text: &str) -> Option<QrImage> {
        let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
        let (width, colors) = (code.width(), code.to_colors());
        let mut path = String::new();
        for (y, row) in colors.chunks(width).enumerate() {
            let mut x = 0;
            while x < width {
                let run = row[x..].iter().take_while(|color| **color == Color::Dark).count();
                if run > 0 {
                    path.push_str(&format!("M{} {}h{run}v1h-{run}z", x + QUIET_ZONE, y + QUIET_ZONE));
                }
                x += run.max(1);
            }
        }
        Some(QrImage { side: width + 2 * QUIET_ZONE, path })
    }
}

impl SecondFactorPage {
    pub fn new(standing: &TwoFactorStatus, required: bool, form: Fields, message: String) -> SecondFactorPage {
        let (codes, secret) = (Vec::new(), String::new());
        let plain = SecondFactorPage { state: "off", required, secret, qr_image: None, recovery_left: 0, codes, form, message };
        match standing {
            TwoFactorStatus::NotApplicable => SecondFactorPage { state: "not_here", ..plain },
            TwoFactorStatus::Off => plain,
            TwoFactorStatus::Pending(enrolment) => SecondFactorPage {
                state: "begun",
                secret: in_groups(&enrolment.secret),
                qr_image: QrImage::from_text(&enrolment.uri),
                ..plain
            },
            TwoFactorStatus::On { recovery_left } => SecondFactorPage { state: "on", recovery_left: *recovery_left, ..plain },
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
        let begun = TwoFactorStatus::Pending(Enrolment { secret: "ABCDEFGH".into(), uri: "otpauth://totp/Belfry:alice".into() });
        let with_codes = page(TwoFactorStatus::On { recovery_left: 10 }, true, "");
        vec![
            page(TwoFactorStatus::NotApplicable, false, ""),
            page(TwoFactorStatus::Off, true, "…"),
            page(TwoFactorStatus::Off, false, ""),
            page(begun, false, ""),
            page(TwoFactorStatus::On { recovery_left: 0 }, false, "…"),
            SecondFactorPage { codes: vec!["abcd-efgh".into()], ..with_codes },
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn qr_code_path() {
        let qr_image = QrImage::from_text("otpauth://totp/Belfry:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").expect("fits");
        // The finder pattern in the corner: a row of seven dark modules after the quiet zone.
        assert!(qr_image.path.starts_with("M4 4h7v1h-7z"), "{}", qr_image.path);
        assert!((qr_image.side - 2 * QUIET_ZONE - 21).is_multiple_of(4), "a valid QR code size");
        assert_eq!(QrImage::from_text(&"x".repeat(5000)), None);
    }
}
