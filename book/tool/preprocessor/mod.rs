//! mdBook's preprocessor: shows claims with their proof in the pages. It embeds what is committed and runs nothing.
//!
//! | file | what it is |
//! |---|---|
//! | `sources` | ledger, links, snapshot, scenarios and examples, read once; and how each claim stands |
//! | `directives` | where a page says `{{#claim C33}}` and the like |
//! | `page` | one page: what each directive becomes, and what is wrong with it |
//! | `claims` | a claim in a sentence, and its badge |
//! | `scenarios` | a scenario, to be unfolded |
//! | `gherkin`, `json` | their colours |
//! | `examples` | an executed example, as a figure |
//! | `terminal`, `messages` | what happens in a terminal, and on a stream |
//! | `registers` | the pages of all claims, all questions, and all that is to come |
//! | `html` | text in HTML |

mod claims;
mod directives;
mod examples;
mod gherkin;
mod html;
mod json;
mod messages;
mod page;
mod registers;
mod scenarios;
mod sources;
mod terminal;

use std::{collections::BTreeSet, fs, io, path::Path};

use anyhow::{Result, bail};
use mdbook_preprocessor::{Preprocessor, PreprocessorContext, book::Book};

use self::{
    page::{Page, Uses},
    sources::Sources,
};
use crate::name_of;

/// Turns stale claims into errors; in `book.toml`, or `MDBOOK_PREPROCESSOR__WIDGETAPP__STRICT=true`.
pub const STRICT: &str = "preprocessor.widgetapp.strict";
/// The only renderer that it writes for.
const RENDERER: &str = "html";

/// The preprocessor, by the name that it has in `book.toml`.
pub struct WidgetApp;

impl Preprocessor for WidgetApp {
    fn name(&self) -> &str {
        "widgetapp"
    }

    fn supports_renderer(&self, renderer: &str) -> Result<bool> {
        Ok(renderer == RENDERER)
    }

    fn run(&self, context: &PreprocessorContext, mut book: Book) -> Result<Book> {
        let strict = context.config.get(STRICT)?.unwrap_or(false);
        let pages = context.root.join(&context.config.book.src);
        expand(&mut book, &Sources::read()?, &pages, strict)?;
        Ok(book)
    }
}

/// Does for the mdBook at the other end of standard input and output what it asks for.
///
/// # Errors
/// It does not speak the protocol, or a page says what cannot be shown.
pub fn answer_mdbook() -> Result<()> {
    let (context, book) = mdbook_preprocessor::parse_input(io::stdin())?;
    let book = WidgetApp.run(&context, book)?;
    serde_json::to_writer(io::stdout(), &book)?;
    Ok(())
}

/// Answers mdBook whether pages are prepared for a renderer.
///
/// # Errors
/// They are not.
pub fn supports(renderer: &str) -> Result<String> {
    match WidgetApp.supports_renderer(renderer)? {
        true => Ok(format!("pages are prepared for {renderer}")),
        false => bail!("pages are prepared for {RENDERER} only"),
    }
}

/// Replaces the directives of all pages. Says all that is wrong, not only the first.
fn expand(book: &mut Book, sources: &Sources, pages: &Path, strict: bool) -> Result<()> {
    let uses = Uses::of(book);
    let (mut faults, mut stale) = (Vec::new(), BTreeSet::new());
    book.for_each_chapter_mut(|chapter| {
        let Some(path) = &chapter.path else { return };
        let file = pages.join(chapter.source_path.as_ref().unwrap_or(path));
        // As it was before anything was included: for the lines, and for what is escaped.
        let written = fs::read_to_string(&file).unwrap_or_else(|_| chapter.content.clone());
        let mut page = Page::new(path, sources, &uses);
        chapter.content = page.expanded(&chapter.content, &written);
        faults.extend(page.faults.into_iter().map(|fault| match fault.line {
            Some(line) => format!("{}:{line}: {}", name_of(&file), fault.why),
            None => format!("{} (in what it includes): {}", name_of(&file), fault.why),
        }));
        stale.extend(page.stale.into_values().flatten());
    });
    if !faults.is_empty() {
        bail!("{}", faults.join("\n"));
    }
    if strict && !stale.is_empty() {
        let stale = stale.into_iter().collect::<Vec<_>>().join("\n");
        bail!(
            "These claims are not proven as they stand:\n{stale}\n\
             To prove them: cargo test, then cargo run -p book -- snapshot"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests;
