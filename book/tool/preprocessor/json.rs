//! The colours of JSON, line by line, in the classes of highlight.js. What is no JSON stays as it is.

use super::html::{escape, span};

/// One line of JSON, or with JSON in it, as HTML.
pub fn highlighted(line: &str) -> String {
    let (mut html, mut rest) = (String::new(), line);
    while let Some(first) = rest.chars().next() {
        let (length, class) = match first {
            '"' => {
                let length = string_length(rest);
                let is_key = rest[length..].trim_start().starts_with(':');
                (length, if is_key { "hljs-attr" } else { "hljs-string" })
            }
            _ if first.is_ascii_alphanumeric() || first == '-' || first == '_' => {
                let length = rest.find(|letter: char| !letter.is_alphanumeric() && !"-_.+".contains(letter));
                let length = length.unwrap_or(rest.len());
                (length, if is_literal(&rest[..length]) { "hljs-number" } else { "" })
            }
            _ => (first.len_utf8(), ""),
        };
        let (word, after) = rest.split_at(length);
        html += &if class.is_empty() { escape(word) } else { span(class, word) };
        rest = after;
    }
    html
}

/// Of a string with its quotes; to the end if nothing closes it.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, letter) in text.char_indices().skip(1) {
        match letter {
            '"' if !escaped => return at + 1,
            _ => escaped = letter == '\\' && !escaped,
        }
    }
    text.len()
}

fn is_literal(word: &str) -> bool {
    matches!(word, "true" | "false" | "null")
        || word.parse::<f64>().is_ok_and(|_| !word.starts_with(char::is_alphabetic))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_strings_and_numbers_differ() {
        assert_eq!(
            highlighted(r#"{"id": -1.5, "a": "say \"x\" <b>", "y": true}"#),
            "{<span class=\"hljs-attr\">&quot;id&quot;</span>: <span class=\"hljs-number\">-1.5</span>, \
             <span class=\"hljs-attr\">&quot;a&quot;</span>: \
             <span class=\"hljs-string\">&quot;say \\&quot;x\\&quot; &lt;b&gt;&quot;</span>, \
             <span class=\"hljs-attr\">&quot;y&quot;</span>: <span class=\"hljs-number\">true</span>}"
        );
    }

    #[test]
    fn what_is_no_json_stays_as_it_is() {
        assert_eq!(
            highlighted("close 4501 token_expired"),
            "close <span class=\"hljs-number\">4501</span> token_expired"
        );
        assert_eq!(
            highlighted("OFFSET+1 infinity \"open"),
            "OFFSET+1 infinity <span class=\"hljs-string\">&quot;open</span>"
        );
    }
}
