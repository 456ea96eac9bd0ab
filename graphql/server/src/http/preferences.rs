//! How a reader wants pages: kept in one cookie, set by plain links, so that it works with scripts off.

use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use sunlit_domain::Locale;
use sunlit_pages::{FontScale, Mode, Preferences, Theme};

const COOKIE: &str = "sunlit_view";

/// Language and looks.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Chosen {
    pub(super) locale: Locale,
    pub(super) preferences: Preferences,
    language_chosen: bool,
}

impl Chosen {
    /// From the cookie; the language from `Accept-Language` where the reader chose none. Unknown values count for nothing.
    pub(super) fn of(request: &HttpRequest) -> Self {
        let mut chosen = Self::default();
        if let Some(cookie) = request.cookie(COOKIE) {
            cookie
                .value()
                .split('&')
                .filter_map(|pair| pair.split_once('='))
                .for_each(|(name, value)| chosen.take(name, value));
        }
        if !chosen.language_chosen {
            let header = request.headers().get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
            chosen.locale = header.map(Locale::from_accept_language).unwrap_or_default();
        }
        chosen
    }

    fn take(&mut self, name: &str, value: &str) {
        let own = &mut self.preferences;
        match name {
            "fs" => own.font_scale = FontScale::from_value(value).unwrap_or(own.font_scale),
            "theme" => own.theme = Theme::from_value(value).unwrap_or(own.theme),
            "mode" => own.mode = Mode::from_value(value).unwrap_or(own.mode),
            "lang" => {
                self.locale = if value == Locale::En.tag() { Locale::En } else { Locale::Zh };
                self.language_chosen = true;
            }
            _ => {}
        }
    }

    fn text(&self) -> String {
        let own = &self.preferences;
        let language = if self.language_chosen { format!("&lang={}", self.locale.tag()) } else { String::new() };
        format!("fs={}&theme={}&mode={}{language}", own.font_scale.value(), own.theme.value(), own.mode.value())
    }
}

/// Takes one preference and leads back.
pub(super) async fn set(request: HttpRequest) -> HttpResponse {
    let mut chosen = Chosen::of(&request);
    let mut back = "/".to_owned();
    for pair in request.query_string().split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if name == "back" {
            back = percent_encoding::percent_decode_str(value).decode_utf8_lossy().into_owned();
        } else {
            chosen.take(name, value);
        }
    }
    let cookie = Cookie::build(COOKIE, chosen.text())
        .path("/")
        .same_site(SameSite::Lax)
        .http_only(true)
        .max_age(Duration::days(365))
        .finish();
    HttpResponse::SeeOther()
        .cookie(cookie)
        .insert_header((header::LOCATION, if is_local(&back) { back.as_str() } else { "/" }))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .finish()
}

/// Whether a path leads to this server and nowhere else: `//host` and `/\host` lead elsewhere.
fn is_local(path: &str) -> bool {
    path.starts_with('/')
        && !path[1..].starts_with(['/', '\\'])
        && path.len() <= 500
        && path.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_server_are_led_back_to() {
        assert!(is_local("/t/610112/p/street-cards/?page=2"));
        for path in ["", "//evil.example", "/\\evil.example", "https://evil.example", "/a\r\nSet-Cookie: x", "evil"] {
            assert!(!is_local(path), "{path}");
        }
    }
}
