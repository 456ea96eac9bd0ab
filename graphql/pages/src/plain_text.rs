//! What is taken out of text before it is shown: characters that change how other text is read without being seen.

use std::borrow::Cow;

/// Whether `c` steers a terminal or the direction of text instead of being read: control characters other than tab and line
/// breaks, and the bidirectional controls of Unicode TR9, with which a name can be made to read as another.
pub(crate) fn is_control(c: char) -> bool {
    (c.is_control() && !matches!(c, '\t' | '\n' | '\r'))
        || matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

/// `text` without such characters.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    if text.chars().any(is_control) {
        text.chars().filter(|c| !is_control(*c)).collect::<String>().into()
    } else {
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::visible;

    #[test]
    fn direction_controls_are_taken_out_and_line_breaks_are_kept() {
        assert_eq!(visible("文件\u{202e}fdp.exe"), "文件fdp.exe");
        assert_eq!(visible("一\n二\u{0}"), "一\n二");
        assert_eq!(visible("未央区"), "未央区");
    }
}
