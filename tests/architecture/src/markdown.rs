//! The little of Markdown that the documents' tests need.

/// What stands in single backticks, with its line from 1; fenced blocks are examples and left out.
#[must_use]
pub fn code_spans(text: &str) -> Vec<(usize, String)> {
    let mut spans = Vec::new();
    let mut fenced = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            let inside = line.split('`').skip(1).step_by(2);
            spans.extend(inside.filter(|span| !span.is_empty()).map(|span| (index + 1, span.to_owned())));
        }
    }
    spans
}

/// The text under a heading of the second level, up to the next one.
#[must_use]
pub fn section(text: &str, heading: &str) -> Option<String> {
    let wanted = format!("## {heading}");
    let mut lines = text.lines().skip_while(|line| line.trim_end() != wanted);
    lines.next()?;
    Some(lines.take_while(|line| !line.starts_with("## ")).collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_found_outside_fences() {
        let text = "a `b` and `c/d`\n```\n`e`\n```\n`f`";
        assert_eq!(code_spans(text), [(1, "b".to_owned()), (1, "c/d".to_owned()), (5, "f".to_owned())]);
    }

    #[test]
    fn a_section_ends_at_the_next_heading() {
        assert_eq!(section("# x\n## A\none\n### B\ntwo\n## C\nthree", "A").as_deref(), Some("one\n### B\ntwo"));
        assert_eq!(section("# x", "A"), None);
    }
}
