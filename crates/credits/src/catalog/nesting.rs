//! How deep a text of TOML is nested, told before it is parsed.
//!
//! The parser bounds how many brackets lie within each other, and how many parts a dotted key has, but not both
//! together: a text of a few kilobytes makes thousands of tables within each other, and the stack ends when they are
//! read or dropped. Nothing can be told after that, so it is looked at first. Strings and comments end here exactly
//! where the parser ends them, also those that are not closed.

/// Tables and arrays within each other. What catalogs and examples have stays below ten.
pub(super) const DEPTH_MAX: usize = 40;

/// The line, from 1, at which a text goes deeper than [`DEPTH_MAX`].
pub(super) fn too_deep_at(text: &str) -> Option<usize> {
    let mut rest = text;
    let mut open: Vec<(char, usize)> = Vec::new();
    let (mut outer, mut dots) = (0_usize, 0_usize);
    while let Some(first) = rest.chars().next() {
        rest = match first {
            '"' | '\'' => after_string(rest, first),
            '#' => rest.find(['\r', '\n']).and_then(|end| rest.get(end..)).unwrap_or_default(),
            _ => rest.get(first.len_utf8()..).unwrap_or_default(),
        };
        match first {
            '.' => dots += 1,
            ',' | '\n' => dots = 0,
            '[' | '{' => {
                // The key in front of a bracket lies around what is in it.
                open.push((if first == '[' { ']' } else { '}' }, dots + 1));
                outer += dots + 1;
                dots = 0;
            }
            ']' | '}' => {
                // One that closes nothing may be passed over by the parser, and is here.
                if let Some((_, depth)) = open.pop_if(|(end, _)| *end == first) {
                    outer -= depth;
                }
                dots = 0;
            }
            _ => {}
        }
        if outer + dots > DEPTH_MAX {
            let read = text.len() - rest.len();
            return Some(text.get(..read).unwrap_or(text).matches('\n').count() + 1);
        }
    }
    None
}

/// What follows the string at the beginning of a text.
fn after_string(text: &str, quote: char) -> &str {
    let three = [quote; 3].iter().collect::<String>();
    let (mut rest, is_long) = match text.strip_prefix(three.as_str()) {
        Some(rest) => (rest, true),
        None => (text.get(1..).unwrap_or_default(), false),
    };
    while let Some(c) = rest.chars().next() {
        if is_long && rest.starts_with(three.as_str()) {
            // Two more quotes may still belong to it.
            let end = rest.strip_prefix(three.as_str()).unwrap_or_default();
            let end = end.strip_prefix(quote).unwrap_or(end);
            return end.strip_prefix(quote).unwrap_or(end);
        }
        if !is_long && c == '\n' {
            return rest;
        }
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
        if !is_long && c == quote {
            return rest;
        }
        if c == '\\' && quote == '"' {
            let escaped = rest.chars().next().filter(|c| matches!(c, '"' | '\\'));
            rest = rest.get(escaped.map_or(0, char::len_utf8)..).unwrap_or_default();
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn within(n: usize) -> String {
        format!("a = {}1{}", "[".repeat(n), "]".repeat(n))
    }

    #[test]
    fn brackets_and_parts_of_keys_count_together() {
        assert_eq!(too_deep_at(&within(DEPTH_MAX)), None);
        assert_eq!(too_deep_at(&within(DEPTH_MAX + 1)), Some(1));
        let keys = |n: usize, m: usize| format!("x = 1\n{}a = {{ {}a = 1 }}", "a.".repeat(n), "a.".repeat(m));
        assert_eq!(too_deep_at(&keys(20, 19)), None);
        assert_eq!(too_deep_at(&keys(20, 20)), Some(2));
        assert_eq!(too_deep_at(&format!("[{}a]", "a.".repeat(DEPTH_MAX))), Some(1));
    }

    #[test]
    fn what_stands_beside_does_not_count() {
        assert_eq!(too_deep_at(&"a = [[1, 0.5], { b.c = 2 }]\n[t.u]\n".repeat(100)), None);
        assert_eq!(too_deep_at(&format!("a = [{}]", "0.5, ".repeat(100))), None);
    }

    #[test]
    fn strings_and_comments_do_not_count_and_end_where_they_end() {
        let deep = "[".repeat(DEPTH_MAX + 1);
        for beside in ["# ", "\"", "'", "a = \"\\\\\\\"", "\"\"\"\n\"", "'''\n''", "\"\"\"\\\"\"\""] {
            assert_eq!(too_deep_at(&format!("{beside}{deep}")), None, "{beside}");
        }
        for before in [
            "# \n",
            "# \r",
            "] } ",
            "\"\n",
            "'\n",
            "'\\'",
            "\"\\\\\"",
            "\"\"\"\n\"\"\"",
            "''''''",
            "\"\"\"a\"\"\"\"\"",
            "\"a\"",
        ] {
            assert_eq!(
                too_deep_at(&format!("{before}{deep}")),
                Some(before.matches('\n').count() + 1),
                "{before}"
            );
        }
    }
}
