//! Where a page says `{{#name arguments}}`, and which of its code is Gherkin. Knows not what they become.

use std::ops::Range;

use mdbook_markdown::{
    MarkdownOptions, new_cmark_parser,
    pulldown_cmark::{CodeBlockKind, Event, Tag, TagEnd},
};

/// What is to be replaced in a page, or looked at.
#[derive(Debug, PartialEq, Eq)]
pub enum Found<'a> {
    /// `{{#claim C33}}`
    Directive {
        /// `claim`
        name: &'a str,
        /// `C33`
        arguments: &'a str,
        /// Whether nothing else stands in its line.
        alone: bool,
        /// Whether its line is a row of a table.
        in_table: bool,
    },
    /// `{{#` within code: meant to be read, or left over.
    InCode,
    /// `{{#` that nothing closes in its line.
    Unclosed,
    /// A ` ```gherkin ` block, with what is in it.
    Gherkin(String),
}

/// One of them, and where it stands.
pub type Located<'a> = (Range<usize>, Found<'a>);

/// Finds them all, in order.
pub fn find(page: &str) -> Vec<Located<'_>> {
    let (mut found, code) = blocks_and_code(page);
    let mut at = 0;
    while let Some(start) = page[at..].find("{{#").map(|offset| at + offset) {
        let line_end = page[start..].find('\n').map_or(page.len(), |offset| start + offset);
        let end = page[start..line_end].find("}}").map(|offset| start + offset + 2);
        let range = start..end.unwrap_or(line_end);
        at = range.end;
        let one = match end {
            _ if code.iter().any(|code| code.contains(&start)) => Found::InCode,
            None => Found::Unclosed,
            Some(end) => directive(page, start..end),
        };
        found.push((range, one));
    }
    // Gherkin that says `{{#` is Gherkin.
    let blocks: Vec<Range<usize>> = gherkin_ranges(&found);
    found.retain(|(range, one)| {
        matches!(one, Found::Gherkin(_)) || !blocks.iter().any(|block| block.contains(&range.start))
    });
    found.sort_by_key(|(range, _)| range.start);
    found
}

fn directive(page: &str, range: Range<usize>) -> Found<'_> {
    let (name, arguments) = {
        let inside = page[range.start + 3..range.end - 2].trim();
        inside.split_once(char::is_whitespace).unwrap_or((inside, ""))
    };
    let before = page[..range.start].rsplit('\n').next().unwrap_or_default();
    let after = page[range.end..].split('\n').next().unwrap_or_default();
    Found::Directive {
        name,
        arguments: arguments.trim(),
        alone: before.trim().is_empty() && after.trim().is_empty(),
        in_table: before.trim_start().starts_with('|'),
    }
}

fn gherkin_ranges(found: &[Located<'_>]) -> Vec<Range<usize>> {
    found.iter().filter(|(_, one)| matches!(one, Found::Gherkin(_))).map(|(range, _)| range.clone()).collect()
}

/// The ` ```gherkin ` blocks, and where all code is.
fn blocks_and_code(page: &str) -> (Vec<Located<'_>>, Vec<Range<usize>>) {
    let (mut blocks, mut code) = (Vec::new(), Vec::new());
    let mut gherkin = None::<String>;
    for (event, range) in new_cmark_parser(page, &MarkdownOptions::default()).into_offset_iter() {
        match event {
            Event::Code(_) => code.push(range),
            Event::Start(Tag::CodeBlock(kind)) => {
                let is_gherkin = matches!(&kind, CodeBlockKind::Fenced(language) if &**language == "gherkin");
                gherkin = is_gherkin.then(String::new);
                code.push(range);
            }
            Event::Text(text) => {
                if let Some(gherkin) = &mut gherkin {
                    gherkin.push_str(&text);
                }
            }
            Event::End(TagEnd::CodeBlock) => {
                blocks.extend(gherkin.take().map(|text| (range, Found::Gherkin(text))));
            }
            _ => {}
        }
    }
    (blocks, code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(page: &str) -> Vec<String> {
        find(page)
            .into_iter()
            .map(|(range, one)| match one {
                Found::Directive { name, arguments, alone, in_table } => {
                    format!("{name}({arguments}) alone={alone} table={in_table}")
                }
                other => format!("{other:?} {}", &page[range]),
            })
            .collect()
    }

    #[test]
    fn directives_are_found_outside_of_code() {
        let page = "A {{#claim C33}} b {{#claim C34}}\n\n{{#example resume show=client.py}}\n\n| {{#claim C35}} |\n";
        assert_eq!(
            names(page),
            [
                "claim(C33) alone=false table=false",
                "claim(C34) alone=false table=false",
                "example(resume show=client.py) alone=true table=false",
                "claim(C35) alone=false table=true",
            ]
        );
    }

    #[test]
    fn what_stands_in_code_is_not_one() {
        assert_eq!(names("Write `{{#claim ID}}`.\n"), ["InCode {{#claim ID}}"]);
        assert_eq!(names("```text\n{{#include x}}\n```\n"), ["InCode {{#include x}}"]);
        assert_eq!(names("{{#claim C33\n}}\n"), ["Unclosed {{#claim C33"]);
    }

    #[test]
    fn gherkin_is_found_in_lists_too() {
        let page = "- One\n\n  ```gherkin\n  Feature: Tea\n\n    {{#x}}\n  ```\n";
        let found = find(page);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].1, Found::Gherkin("Feature: Tea\n\n  {{#x}}\n".into()));
        assert!(page[found[0].0.clone()].starts_with("```gherkin"));
    }
}
