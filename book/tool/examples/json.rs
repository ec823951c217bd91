//! The layout of JSON in the examples: the order of members stays as it is. Works on text that is almost JSON,
//! because placeholders stand in it.

/// A value, with its members in order.
enum Node {
    /// A number, a text in its quotes, a name or a placeholder.
    Leaf(String),
    Object(Vec<Node>),
    Array(Vec<Node>),
    /// In an object: a key, and the value behind it.
    Member(String, Box<Node>),
}

/// This text on as few lines as this width allows; what is no object and no list stays as it is.
pub fn laid_out(text: &str, width: usize) -> String {
    if !text.starts_with(['{', '[']) {
        return text.to_owned();
    }
    let mut rest = text;
    let node = Node::read(&mut rest);
    let mut lines = Lines { text: String::new(), column: 0, width };
    lines.put(&node, 0, 0);
    lines.text + rest
}

impl Node {
    fn read(rest: &mut &str) -> Self {
        *rest = rest.trim_start();
        let node = match rest.as_bytes().first() {
            Some(b'{') => Self::Object(Self::list(rest, '}')),
            Some(b'[') => Self::Array(Self::list(rest, ']')),
            Some(b'"') => Self::Leaf(take(rest, end_of_text(rest))),
            _ => Self::Leaf(take(rest, rest.find([',', ':', '}', ']', '{', '[', '"']).unwrap_or(rest.len()))),
        };
        *rest = rest.trim_start();
        match (node, rest.strip_prefix(':')) {
            (Self::Leaf(key), Some(behind)) => {
                *rest = behind;
                Self::Member(key, Box::new(Self::read(rest)))
            }
            (node, _) => node,
        }
    }

    fn list(rest: &mut &str, end: char) -> Vec<Self> {
        let mut nodes = Vec::new();
        *rest = rest[1..].trim_start();
        while !rest.is_empty() && !rest.starts_with(end) {
            let before = rest.len();
            nodes.push(Self::read(rest));
            *rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
            if rest.len() == before {
                break;
            }
        }
        *rest = rest.strip_prefix(end).unwrap_or(rest);
        nodes
    }

    /// On one line.
    fn flat(&self) -> String {
        let all = |nodes: &[Self]| nodes.iter().map(Self::flat).collect::<Vec<_>>().join(", ");
        match self {
            Self::Leaf(text) => text.clone(),
            Self::Object(nodes) => format!("{{{}}}", all(nodes)),
            Self::Array(nodes) => format!("[{}]", all(nodes)),
            Self::Member(key, value) => format!("{key}: {}", value.flat()),
        }
    }
}

fn take(rest: &mut &str, end: usize) -> String {
    let (taken, behind) = rest.split_at(end);
    *rest = behind;
    taken.trim_end().to_owned()
}

/// Where a text in quotes ends.
fn end_of_text(quoted: &str) -> usize {
    let mut escaped = false;
    let ends = |byte: u8| match byte {
        b'"' if !escaped => true,
        _ => {
            escaped = byte == b'\\' && !escaped;
            false
        }
    };
    quoted.bytes().skip(1).position(ends).map_or(quoted.len(), |at| at + 2)
}

struct Lines {
    text: String,
    column: usize,
    width: usize,
}

impl Lines {
    fn say(&mut self, text: &str) {
        self.text += text;
        self.column += text.chars().count();
    }

    fn fits(&self, text: &str, behind: usize) -> bool {
        self.column + text.chars().count() + behind <= self.width
    }

    /// Puts a node behind what there is; `behind` is what will stand behind it in any case.
    fn put(&mut self, node: &Node, indent: usize, behind: usize) {
        let flat = node.flat();
        let (nodes, open, close) = match node {
            Node::Object(nodes) if !self.fits(&flat, behind) => (nodes, "{", "}"),
            Node::Array(nodes) if !self.fits(&flat, behind) => (nodes, "[", "]"),
            Node::Member(key, value) => {
                self.say(&format!("{key}: "));
                return self.put(value, indent, behind);
            }
            Node::Leaf(_) | Node::Object(_) | Node::Array(_) => return self.say(&flat),
        };
        self.say(open);
        for (index, node) in nodes.iter().enumerate() {
            let last = index + 1 == nodes.len();
            let behind = if last { behind + 1 } else { 1 };
            if index > 0 {
                let room = self.fits(&node.flat(), behind + 1);
                if room {
                    self.say(" ");
                } else {
                    self.text += &format!("\n{}", " ".repeat(indent + 1));
                    self.column = indent + 1;
                }
            }
            self.put(node, indent + 1, behind);
            if !last {
                self.say(",");
            }
        }
        self.say(close);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_stands_on_one_line_in_its_order() {
        let text = "{\"b\":1,\"a\":[ ],\n \"at\":[TIME],\"t\":\"{\\\"x\\\": [1,2]}\",\"c\":{\"d\" : null}}";
        let line = "{\"b\": 1, \"a\": [], \"at\": [TIME], \"t\": \"{\\\"x\\\": [1,2]}\", \"c\": {\"d\": null}}";
        assert_eq!(laid_out(text, 100), line);
        assert_eq!(laid_out(line, 100), line);
    }

    #[test]
    fn what_does_not_fit_goes_on_below() {
        let text = "{\"one\": 1, \"two\": 2, \"three\": {\"four\": 4, \"five\": 5, \"six\": [6, 7]}}";
        let lines = "{\"one\": 1, \"two\": 2,\n \"three\": {\"four\": 4,\n  \"five\": 5,\n  \"six\": [6, 7]}}";
        assert_eq!(laid_out(text, 22), lines);
        assert_eq!(laid_out(&laid_out(text, 22), 100), text);
    }

    #[test]
    fn what_is_no_json_stays_as_it_is() {
        for text in ["close 4501 token_expired", "", "<html>", "{\"a\": \"b", "{]", "[[["] {
            assert!(laid_out(text, 10).len() >= text.len(), "{text}");
        }
        assert_eq!(laid_out("close 4501 token_expired", 10), "close 4501 token_expired");
    }
}
