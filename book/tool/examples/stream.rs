//! The messages of streams, as `stream.ws` writes them down. Knows not how they are sent.
//!
//! ```text
//! # A remark for the reader.
//! GET /_stream
//! Authorization: Bearer [TOKEN]
//!
//! < {"port": 0, "name": "welcome", "body": {...}}
//! > {"port": 200, "name": "widgetApp_useraction_open", "id": 1, "thing": "[THING]",
//!    "body": {"as": "json"}}
//! <~ one of several messages that may come in any order
//! <. a message whose body readers have seen before
//! < close 4501 token_expired
//!
//! grace: GET /_stream
//! grace: Authorization: Bearer [TOKEN:grace]
//! grace< ...
//! grace> close 1000
//! ```
//!
//! The headers of the websocket handshake itself are added. Lines that begin with a space belong to the message
//! above.

use super::json;

/// Its name in an example's folder.
pub const FILE: &str = "stream.ws";
/// How long a line may become.
const WIDTH: usize = 110;
/// Where a message's body begins.
const BODY: &str = r#""body": {"#;

/// What happens on the streams, in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stream {
    /// One after the other.
    pub steps: Vec<Step>,
    /// What stands below the last one.
    tail: String,
}

/// Something that happens on a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// The remarks and empty lines above.
    above: String,
    /// Whose stream; empty if there is only one.
    pub party: String,
    /// What happens.
    pub what: What,
}

/// See [`Step`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// The stream is opened: the lines of the request.
    Opens(Vec<String>),
    /// The client sends this, or `close CODE`. With the lines as they were written.
    Sends(String, Vec<String>),
    /// The server sends this, or `close CODE REASON`.
    Hears(String),
    /// The same; those beside it that are also marked so may come before it.
    HearsSometime(String),
    /// The same; readers are not shown its body.
    HearsBriefly(String),
}

impl Default for What {
    fn default() -> Self {
        Self::Hears(String::new())
    }
}

impl Stream {
    /// Reads a file's text.
    pub fn parse(text: &str) -> Self {
        let mut steps: Vec<Step> = Vec::new();
        let mut above = String::new();
        for line in text.lines() {
            let (party, rest) = line.split_at(line.bytes().take_while(u8::is_ascii_lowercase).count());
            let what = match rest.split_at_checked(1) {
                Some((">", message)) => Some(What::Sends(message.trim().to_owned(), vec![line.to_owned()])),
                Some(("<", message)) => {
                    let text = message.trim_start_matches(['~', '.']).trim().to_owned();
                    Some(match message.chars().next() {
                        Some('~') => What::HearsSometime(text),
                        Some('.') => What::HearsBriefly(text),
                        _ => What::Hears(text),
                    })
                }
                _ => None,
            };
            let (opening, named) = match rest.strip_prefix(": ") {
                Some(opening) => (opening, true),
                None => (line, false),
            };
            if let Some(what) = what {
                steps.push(Step { above: std::mem::take(&mut above), party: party.to_owned(), what });
            } else if opening.starts_with("GET ") {
                let party = if named { party.to_owned() } else { String::new() };
                let what = What::Opens(vec![opening.to_owned()]);
                steps.push(Step { above: std::mem::take(&mut above), party, what });
            } else if line.is_empty() || line.starts_with('#') {
                above += &format!("{line}\n");
            } else if let Some(step) = steps.last_mut() {
                match &mut step.what {
                    What::Opens(lines) => lines.push(opening.to_owned()),
                    What::Sends(message, lines) => {
                        *message += &format!(" {}", line.trim());
                        lines.push(line.to_owned());
                    }
                    What::Hears(message) | What::HearsSometime(message) | What::HearsBriefly(message) => {
                        *message += &format!(" {}", line.trim());
                    }
                }
            }
        }
        Self { steps, tail: above }
    }

    /// The file's text.
    pub fn render(&self) -> String {
        self.steps.iter().map(Step::render).collect::<String>() + &self.tail
    }

    /// Adds what came from the server after all that was written down.
    pub fn add(&mut self, party: &str, message: String) {
        self.steps.push(Step { above: String::new(), party: party.to_owned(), what: What::Hears(message) });
    }
}

impl Step {
    fn render(&self) -> String {
        let Self { above, party, what } = self;
        let lines = match what {
            What::Opens(lines) if party.is_empty() => lines.join("\n"),
            What::Opens(lines) => lines.iter().map(|line| format!("{party}: {line}")).collect::<Vec<_>>().join("\n"),
            What::Sends(_, lines) => lines.join("\n"),
            What::Hears(message) => laid_out(&format!("{party}<"), message),
            What::HearsSometime(message) => laid_out(&format!("{party}<~"), message),
            What::HearsBriefly(message) => laid_out(&format!("{party}<."), message),
        };
        format!("{above}{lines}\n")
    }
}

/// A message behind its sign; what does not fit into the line stands below it.
fn laid_out(sign: &str, message: &str) -> String {
    let below = format!("\n{}", " ".repeat(sign.len() + 1));
    format!("{sign} {}", json::laid_out(message, WIDTH - sign.len()).replace('\n', &below)).trim_end().to_owned()
}

/// As readers see it: that the order of some messages may be another is not told, and bodies are left out.
pub(super) fn shown(text: &str) -> String {
    let mut stream = Stream::parse(text);
    for step in &mut stream.steps {
        if let What::HearsSometime(message) = &step.what {
            step.what = What::Hears(message.clone());
        } else if let What::HearsBriefly(message) = &step.what {
            let head = message.split_once(BODY).map(|(head, _)| format!("{head}{BODY}...}}}}"));
            step.what = What::Hears(head.unwrap_or_else(|| message.clone()));
        }
    }
    stream.render()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r##"# Two streams.
ada: GET /_stream
ada: Authorization: Bearer [TOKEN]
ada< {"port": 0}

grace: GET /_stream
grace<~ {"port": 202}
ada> {"port": 200, "id": 1,
      "body": {}}

# The end.
ada< close 4501 token_expired
grace> close 1000
"##;

    #[test]
    fn openings_and_messages_have_parties() {
        let stream = Stream::parse(TEXT);
        let parties: String = stream.steps.iter().map(|step| &step.party[..1]).collect();
        assert_eq!(parties, "aaggaag");
        let opening = vec!["GET /_stream".to_owned(), "Authorization: Bearer [TOKEN]".to_owned()];
        assert_eq!(stream.steps[0].what, What::Opens(opening));
        assert!(matches!(&stream.steps[4].what, What::Sends(message, _) if message.ends_with(r#", "body": {}}"#)));
    }

    #[test]
    fn what_was_read_is_written_as_it_was() {
        for text in [TEXT, "", "GET /_stream\nAuthorization: Bearer x\n\n< {}\n> close 1000\n"] {
            assert_eq!(Stream::parse(text).render(), text);
        }
    }

    #[test]
    fn readers_see_messages_without_signs_of_the_runner() {
        let text = "ada<~ {\"id\": 1}\n\nada<. {\"port\": 0, \"body\": {\"user\": \"ada\"}}\n";
        assert_eq!(shown(text), "ada< {\"id\": 1}\n\nada< {\"port\": 0, \"body\": {...}}\n");
        assert_eq!(Stream::parse(text).render(), text);
    }

    #[test]
    fn a_long_message_stands_on_several_lines() {
        let long = format!("< {{\"name\": \"{}\", \"body\": {{\"a\": 1, \"b\": 2}}}}\n", "x".repeat(90));
        let text = Stream::parse(&long).render();
        assert_eq!(text, long.replace(" \"body\"", "\n   \"body\""));
        assert_eq!(Stream::parse(&text).render(), text);
    }
}
