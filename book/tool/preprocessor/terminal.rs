//! What happens in terminals, as an example shows it: remarks, commands, and what they print.

use super::{
    html::{code, escape, note},
    messages,
};

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    /// A remark of the author.
    Note(String),
    /// Which terminal it goes on in.
    Terminal(String),
    /// A command, in a terminal that may have a name.
    Command { terminal: String, text: String },
    /// What is printed.
    Output(String),
}

/// A session as HTML. Each command is a block of its own, which can be copied without its prompt.
pub fn shown(session: &str) -> String {
    let html: String = pieces(session).iter().map(Piece::html).collect();
    format!(r#"<div class="terminal">{html}</div>"#)
}

impl Piece {
    fn html(&self) -> String {
        match self {
            Self::Note(text) => note(text),
            Self::Terminal(name) => format!(r#"<p class="goes-on">{}</p>"#, escape(name)),
            Self::Command { terminal, text } => {
                let block = code("nohighlight", &escape(text)).replacen("<pre>", r#"<pre class="command">"#, 1);
                block.replacen("<code", &format!(r#"<code data-prompt="{terminal}$""#), 1)
            }
            Self::Output(text) => output(text),
        }
    }
}

/// What is too long goes on in the next line, unless it is a row of a table.
fn output(text: &str) -> String {
    let is_table = text.lines().any(|line| line.trim().contains("   "));
    let block = if text.starts_with('{') {
        code("nohighlight messages", &text.lines().map(messages::json_line).collect::<String>())
    } else if is_table {
        code("nohighlight", &escape(text))
    } else {
        code("nohighlight wraps", &escape(text))
    };
    block.replacen("<pre>", r#"<pre class="printed">"#, 1)
}

fn pieces(session: &str) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut lines = session.lines();
    while let Some(line) = lines.next() {
        let piece = match (line.strip_prefix("# "), command(line)) {
            (Some(note), _) => match note.strip_suffix(':').filter(|name| is_name(name)) {
                Some(name) => Piece::Terminal(name.to_owned()),
                None => Piece::Note(note.to_owned()),
            },
            (None, Some((terminal, first))) => {
                let mut text = first.to_owned();
                while text.ends_with('\\') {
                    let Some(more) = lines.next() else { break };
                    text = text + "\n" + more;
                }
                Piece::Command { terminal: terminal.to_owned(), text }
            }
            (None, None) => Piece::Output(line.to_owned()),
        };
        match (pieces.last_mut(), piece) {
            (Some(Piece::Output(before)), Piece::Output(line)) => *before = format!("{before}\n{line}"),
            (Some(Piece::Note(before)), Piece::Note(line)) => *before = format!("{before} {line}"),
            (_, piece) => pieces.push(piece),
        }
    }
    pieces.retain(|piece| !matches!(piece, Piece::Output(text) if text.trim().is_empty()));
    pieces
}

/// `ada$ widgetapp listen`: the terminal's name, which may be empty, and the command.
fn command(line: &str) -> Option<(&str, &str)> {
    line.split_once("$ ").filter(|(terminal, _)| terminal.is_empty() || is_name(terminal))
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_falls_into_pieces() {
        let session =
            "# Look.\n# Then go.\nada$ widgetapp call \\\n    q=boat\none\n\ntwo\n\n$ echo 1 $ 2\n# ada:\n^C\n";
        assert_eq!(
            pieces(session),
            [
                Piece::Note("Look. Then go.".into()),
                Piece::Command { terminal: "ada".into(), text: "widgetapp call \\\n    q=boat".into() },
                Piece::Output("one\n\ntwo\n".into()),
                Piece::Command { terminal: String::new(), text: "echo 1 $ 2".into() },
                Piece::Terminal("ada".into()),
                Piece::Output("^C".into()),
            ]
        );
    }

    #[test]
    fn a_command_can_be_copied_without_its_prompt() {
        assert_eq!(
            shown("ada$ a < b\n"),
            r#"<div class="terminal"><pre class="command"><code data-prompt="ada$" class="nohighlight">a &lt; b</code></pre></div>"#
        );
    }
}
