//! HTTP requests and their answers, as `exchange.http` writes them down. Knows not how they are sent.
//!
//! ```text
//! # A remark for the reader.
//! > GET /_ajax/search?q=boat HTTP/1.1
//! > Authorization: Bearer [TOKEN]
//!
//! < HTTP/1.1 200 OK
//! < Content-Type: application/json
//! <
//! < {"things": [], "next": null}
//! ```
//!
//! Of the headers of an answer only those are compared that are written down. A request with `Upgrade: websocket`
//! is sent with the other headers of the handshake. A form may stand on several lines.

/// Its name in an example's folder.
pub const FILE: &str = "exchange.http";

/// Requests and their answers, in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exchanges(pub Vec<Exchange>);

/// A request and its answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exchange {
    /// The remarks and empty lines above the request.
    above: String,
    /// What is sent.
    pub request: Message,
    /// What comes back; all of it is empty if it was not written down yet.
    pub answer: Message,
}

/// A request or an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// Its first line.
    pub start: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// What stands below the headers.
    pub body: String,
}

impl Exchanges {
    /// Reads a file's text.
    pub fn parse(text: &str) -> Self {
        let mut exchanges = Vec::new();
        let mut lines = text.lines().filter(|line| !line.is_empty()).peekable();
        while lines.peek().is_some() {
            // Lines of one kind, one kind after the other; a line of no kind is left out.
            let mut block = |sign: char| {
                let mut block = Vec::new();
                while let Some(line) = lines.next_if(|line| line.starts_with(sign)) {
                    block.push(line);
                }
                block
            };
            let (above, request, answer) = (block('#'), block('>'), block('<'));
            if request.is_empty() {
                lines.next();
                continue;
            }
            let above = above.into_iter().map(|line| format!("{line}\n")).collect();
            exchanges.push(Exchange { above, request: Message::parse(&request), answer: Message::parse(&answer) });
        }
        Self(exchanges)
    }

    /// The file's text.
    pub fn render(&self) -> String {
        self.0.iter().map(Exchange::render).collect::<Vec<_>>().join("\n")
    }
}

impl Exchange {
    fn render(&self) -> String {
        format!("{}{}\n{}", self.above, self.request.render(">"), self.answer.render("<"))
    }

    fn note(&self) -> String {
        self.above.lines().map(|line| line.trim_start_matches('#').trim()).collect::<Vec<_>>().join(" ")
    }
}

impl Message {
    fn parse(lines: &[&str]) -> Self {
        // Without their sign.
        let mut lines = lines.iter().map(|line| line[1..].strip_prefix(' ').unwrap_or(&line[1..]));
        let start = lines.next().unwrap_or_default().to_owned();
        let header = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned()));
        let headers = lines.by_ref().map_while(header).collect();
        Self { start, headers, body: lines.map(|line| format!("{line}\n")).collect() }
    }

    /// As it is sent, apart from the ends of the lines.
    fn text(&self) -> String {
        let headers: String = self.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
        let body = if self.body.is_empty() { String::new() } else { format!("\n{}", self.body) };
        format!("{}\n{headers}{body}", self.start)
    }

    fn render(&self, sign: &str) -> String {
        self.text().lines().map(|line| format!("{sign} {line}").trim_end().to_owned() + "\n").collect()
    }
}

/// Each request and answer as readers see it: what is said above it, its lines, and whether it is an answer.
pub(super) fn shown(text: &str) -> Vec<(String, String, bool)> {
    let exchanges = Exchanges::parse(text).0.into_iter();
    let pair = |exchange: Exchange| {
        let answer = (String::new(), exchange.answer.text(), true);
        [(exchange.note(), exchange.request.text(), false), answer]
    };
    exchanges.flat_map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# First
# this.
> POST /_ajax/edit HTTP/1.1
> Content-Type: application/json
>
> {\"key\": \"k\"}

< HTTP/1.1 200 OK
< Content-Type: application/json
<
< {}

> GET / HTTP/1.1

< HTTP/1.1 204 No Content
";

    #[test]
    fn requests_and_answers_have_headers_and_bodies() {
        let Exchanges(exchanges) = Exchanges::parse(TEXT);
        let [edit, get] = &exchanges[..] else { panic!("{exchanges:?}") };
        assert_eq!(edit.request.headers, [("Content-Type".to_owned(), "application/json".to_owned())]);
        assert_eq!((edit.request.body.as_str(), edit.answer.body.as_str()), ("{\"key\": \"k\"}\n", "{}\n"));
        assert_eq!(get.answer, Message { start: "HTTP/1.1 204 No Content".into(), ..Message::default() });
    }

    #[test]
    fn what_was_read_is_written_as_it_was() {
        assert_eq!(Exchanges::parse(TEXT).render(), TEXT);
        assert_eq!(Exchanges::parse("").render(), "");
    }

    #[test]
    fn an_answer_may_be_missing_yet() {
        let exchanges = Exchanges::parse("> GET / HTTP/1.1\n\n# Then this.\n> GET /a HTTP/1.1\n> A: b\n").0;
        assert_eq!([&exchanges[0].answer, &exchanges[1].answer], [&Message::default(); 2]);
        assert_eq!(exchanges[1].request.headers, [("A".to_owned(), "b".to_owned())]);
    }

    #[test]
    fn readers_see_requests_and_answers_apart() {
        let shown = shown(TEXT);
        assert_eq!(shown[0].0, "First this.");
        assert_eq!(
            (shown[1].1.as_str(), shown[1].2),
            ("HTTP/1.1 200 OK\nContent-Type: application/json\n\n{}\n", true)
        );
        assert_eq!(shown.len(), 4);
    }
}
