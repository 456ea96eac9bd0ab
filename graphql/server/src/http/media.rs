//! Which media type an answer has: content negotiation by RFC 9110, §12.5.1.

use actix_web::HttpRequest;
use actix_web::http::header;

/// What the API can answer in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Media {
    /// `application/graphql-response+json`: the status tells whether the document was executed.
    Response,
    /// `application/json`: a well-formed request is answered with 200.
    Json,
    /// `text/event-stream`: many answers, one after the other.
    Events,
    /// `text/html`: GraphiQL.
    Page,
}

impl Media {
    /// Its name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Response => "application/graphql-response+json",
            Self::Json => "application/json",
            Self::Events => "text/event-stream",
            Self::Page => "text/html",
        }
    }

    /// The preference among what the caller likes equally: plain JSON for whoever does not care, as the draft wants it, and
    /// the new media type for whoever names both.
    fn rank(self, precision: u8) -> u8 {
        match self {
            Self::Json => 3,
            Self::Response if precision == NAMED => 4,
            Self::Response => 2,
            Self::Events => 1,
            Self::Page => 0,
        }
    }
}

/// How precisely a range matches.
const NAMED: u8 = 2;

/// The best of `offered` for the request; none when it accepts none of them.
pub(super) fn negotiate(request: &HttpRequest, offered: &[Media]) -> Option<Media> {
    let values: Vec<&str> = request.headers().get_all(header::ACCEPT).filter_map(|value| value.to_str().ok()).collect();
    best(&values.join(","), offered)
}

fn best(accept: &str, offered: &[Media]) -> Option<Media> {
    let ranges: Vec<_> = accept.split(',').filter_map(Range::read).collect();
    if ranges.is_empty() {
        return offered.iter().copied().max_by_key(|media| media.rank(0)).filter(|_| accept.trim().is_empty());
    }
    let liking = |media: Media| {
        // The most precise range decides, whatever its weight.
        let (precision, weight) = ranges.iter().filter_map(|range| range.matches(media)).max_by_key(|found| found.0)?;
        (weight > 0).then_some((weight, precision, media.rank(precision)))
    };
    let liked = offered.iter().filter_map(|media| Some((liking(*media)?, *media)));
    liked.max_by_key(|(liking, _)| *liking).map(|(_, media)| media)
}

/// A media range with its weight in thousandths.
struct Range<'a> {
    name: &'a str,
    weight: u16,
}

impl<'a> Range<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let name = parts.next().filter(|name| name.contains('/'))?;
        let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        Some(Self { name, weight: weight.map_or(1_000, thousandths) })
    }

    /// How precisely it matches, and its weight.
    fn matches(&self, media: Media) -> Option<(u8, u16)> {
        let own = media.name();
        let kind = own.split('/').next().unwrap_or_default();
        let precision = if self.name.eq_ignore_ascii_case(own) {
            NAMED
        } else if self.name.strip_suffix("/*").is_some_and(|range| range.eq_ignore_ascii_case(kind)) {
            1
        } else if self.name == "*/*" {
            0
        } else {
            return None;
        };
        Some((precision, self.weight))
    }
}

/// `0.8` as 800; what is no weight counts as none at all.
fn thousandths(text: &str) -> u16 {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = part.len() <= 3 && part.bytes().all(|byte| byte.is_ascii_digit());
    let part: u16 = format!("{part:0<3}").parse().unwrap_or(0);
    match whole {
        "1" if digits && part == 0 => 1_000,
        "0" if digits => part,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_callers_weights_decide_and_then_the_draft() {
        let check = |accept: &str, expect: Option<Media>| {
            let offered = [Media::Response, Media::Json, Media::Events, Media::Page];
            assert_eq!(best(accept, &offered), expect, "{accept}");
        };
        check("", Some(Media::Json));
        check("*/*", Some(Media::Json));
        check("application/*", Some(Media::Json));
        check("application/graphql-response+json", Some(Media::Response));
        check("application/json, application/graphql-response+json", Some(Media::Response));
        check("application/graphql-response+json;q=0.5, application/json", Some(Media::Json));
        check("application/graphql-response+json; charset=utf-8, application/json; q=0.9", Some(Media::Response));
        check("text/event-stream, application/json;q=0.1", Some(Media::Events));
        check("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Some(Media::Page));
        check("application/json;q=0, */*;q=0.1", Some(Media::Response));
        check("application/json;q=0", None);
        check("application/json;q=2", None);
        check("image/png", None);
        check("nonsense", None);
        check("APPLICATION/JSON", Some(Media::Json));
    }
}
