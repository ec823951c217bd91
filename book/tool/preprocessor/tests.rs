//! Whole pages, with a ledger of a few claims.

use mdbook_preprocessor::book::{BookItem, Chapter};

use super::*;
use crate::{
    evidence::Snapshot,
    examples::{Example, Manifest},
    features::Scenario,
    guards::Link,
    ledger::{Claim, Ledger},
    links::Links,
};

fn claim(id: &str, state: &str, more: &str) -> Claim {
    let text = format!("It *holds* | {id}, see [here](admin/running.md).");
    toml::from_str(&format!(
        "id = \"{id}\"\nrevision = 1\nguide = \"admin\"\nlevel = \"must\"\ntext = \"{text}\"\nstate = \"{state}\"\n{more}"
    ))
    .unwrap()
}

fn scenario(claim: &str) -> Scenario {
    Scenario {
        file: "features/admin/a.feature".into(),
        line: 3,
        feature: "A".into(),
        rule: Some("It <holds>".into()),
        name: "It is tried".into(),
        claims: vec![claim.parse()],
        text: "Scenario: It is tried\n  When Ada waits".into(),
        background: "Background:\n  Given WidgetApp is running".into(),
        measures: false,
    }
}

fn example() -> Example {
    let files = [("client.py", "print(1 < 2)\n"), ("session.console", "$ python3 client.py\nTrue\n")];
    Example {
        id: "try".into(),
        manifest: toml::from_str::<Manifest>("title = \"Try\"\nclaims = [\"C01+1\"]").unwrap(),
        files: files.map(|(name, text)| (name.to_owned(), text.to_owned())).into(),
    }
}

/// All is proven; `changed` says what has happened since.
fn sources_after(changed: impl FnOnce(&mut Vec<Claim>, &mut Vec<Scenario>)) -> Sources {
    let planned = "reason = \"To come.\"";
    let asked = "question = \"Which?\"\ndecision = \"This, as [there](user/together.md).\"";
    let mut claims = vec![claim("C01", "active", ""), claim("C02", "planned", planned), claim("C03", "decided", asked)];
    let mut scenarios = vec![scenario("C01+1"), scenario("C03+1")];
    let tests = [Link { claim: "C01+1".parse().unwrap(), proof: "tests/a.rs: it_holds".into() }];
    let links = |claims: &[Claim], scenarios: &[Scenario]| {
        Links::of(&claims.iter().cloned().collect(), scenarios, &[example()], &tests)
    };
    let committed = Snapshot::of(&claims.iter().cloned().collect(), &links(&claims, &scenarios).proofs);
    changed(&mut claims, &mut scenarios);
    let links = links(&claims, &scenarios);
    Sources::new(claims.into_iter().collect::<Ledger>(), links, scenarios, vec![example()], committed)
}

fn sources() -> Sources {
    sources_after(|_, _| {})
}

/// A book of one page in a folder, beside the page of all claims.
fn shown(page: &str, sources: &Sources, strict: bool) -> Result<String> {
    let folder = tempfile::tempdir()?;
    fs::create_dir(folder.path().join("user"))?;
    fs::write(folder.path().join("user/page.md"), page)?;
    // As mdBook's own preprocessor leaves it.
    let chapter = Chapter::new("Page", page.replace("\\{{", "{{"), "user/page.md", Vec::new());
    let mut book = Book::new_with_items(vec![BookItem::Chapter(chapter)]);
    expand(&mut book, sources, folder.path(), strict)?;
    Ok(book.chapters().next().map(|chapter| chapter.content.clone()).unwrap_or_default())
}

fn fault(page: &str) -> String {
    let why = shown(page, &sources(), false).unwrap_err().to_string();
    why.split_once("user/page.md").unwrap_or_else(|| panic!("no page is named: {why}")).1.to_owned()
}

#[test]
fn a_claim_is_its_sentence_and_a_badge_that_leads_to_its_evidence() {
    let page = shown("So: {{#claim C01}}\n", &sources(), true).unwrap();
    assert_eq!(
        page,
        "So: <span class=\"claim proven\">It *holds* | C01, see [here](../admin/running.md).</span>&#8239;\
         <a class=\"badge proven\" href=\"../evidence/claims.md#C01\" \
         title=\"C01: proven by 1 scenario, 1 example, 1 test\" \
         aria-label=\"C01: proven by 1 scenario, 1 example, 1 test\" data-claim=\"C01\">✓2</a>\n"
    );
}

#[test]
fn a_claim_in_a_table_stays_in_its_cell() {
    let page = shown("| a |\n|---|\n| {{#claim C01}} |\n", &sources(), true).unwrap();
    assert!(page.contains("It *holds* \\| C01"), "{page}");
}

#[test]
fn what_is_planned_is_not_shown_as_true() {
    let page = shown("{{#claim C02}}", &sources(), true).unwrap();
    assert!(page.starts_with("<span class=\"claim planned\">"), "{page}");
    assert!(page.ends_with("data-claim=\"C02\">planned</a>"), "{page}");
}

#[test]
fn what_has_changed_since_it_was_proven_is_stale() {
    for (changed, why) in [
        (sources_after(|claims, _| claims[0].text = "It fails.".into()), "claim C01 has another sentence"),
        (sources_after(|_, scenarios| scenarios[0].text += " long"), "claim C01 has a proof that was changed"),
        (sources_after(|_, scenarios| drop(scenarios.remove(1))), "claim C03 has lost a proof"),
        (sources_after(|claims, _| claims[0].revision = 2), "claim C01 is now at revision 2"),
        (sources_after(|claims, _| claims.push(claim("C04", "active", ""))), "claim C04 is new"),
    ] {
        let page = shown("{{#ledger}}\n", &changed, false).unwrap();
        assert!(page.starts_with("<details class=\"banner stale\"><summary>STALE: this page has "), "{page}");
        assert!(page.contains(why), "{why}: {page}");
        let refused = shown("{{#ledger}}\n", &changed, true).unwrap_err().to_string();
        assert!(refused.contains(why), "{why}: {refused}");
        assert!(refused.ends_with("cargo run -p book -- snapshot"), "{refused}");
    }
    let stale = sources_after(|claims, _| claims[0].text = "It fails.".into());
    let page = shown("{{#claim C01}}", &stale, false).unwrap();
    assert!(page.contains("data-claim=\"C01\">STALE</a>"), "{page}");
    assert!(shown("{{#claim C03}}", &stale, true).is_ok(), "another page is not affected");
}

#[test]
fn what_is_not_there_is_told_with_its_line() {
    for (page, why) in [
        ("One\n\n{{#claim C99}}\n", ":3: {{#claim C99}}: there is no claim C99"),
        ("{{#scenarios C02}}\n", ":1: {{#scenarios C02}}: no scenario names C02+1"),
        ("{{#scenario features/admin/a.feature: Else}}\n", "there is no such scenario"),
        ("{{#example other}}\n", "there is no example other in book/examples; there are try"),
        ("{{#example try show=client.js}}\n", "no such file; it has client.py, session.console"),
        ("Here: {{#example try}}\n", "it needs a line of its own"),
        ("{{#include gone.svg}}\n", "there is no such file or anchor"),
        ("```text\n{{#include gone.txt}}\n```\n", ":2: {{#include gone.txt}}: nothing was put in its place"),
        ("{{#clam C01}}\n", "there is no such directive"),
        ("{{#claim C01\n", "close it with }}"),
    ] {
        let told = fault(page);
        assert!(told.contains(why), "{page}: {told}");
    }
    let told = fault("{{#claim C98}}\n{{#claim C99}}\n");
    assert!(told.contains("C98") && told.contains("C99"), "all at once: {told}");
}

#[test]
fn what_is_escaped_in_code_is_left_to_be_read() {
    let page = shown("Write `\\{{#claim ID}}`.\n\n```text\n\\{{#include x}}\n```\n", &sources(), true).unwrap();
    assert_eq!(page, "Write `{{#claim ID}}`.\n\n```text\n{{#include x}}\n```\n");
}

#[test]
fn a_scenario_is_unfolded_to_what_it_does() {
    let by_name = "{{#scenario features/admin/a.feature: It is tried}}\n";
    for directive in ["{{#scenarios C01}}\n", by_name] {
        let page = shown(directive, &sources(), true).unwrap();
        assert!(page.contains("<summary>It is tried</summary>"), "{page}");
        assert!(page.contains("<code>features/admin/a.feature</code>: It &lt;holds&gt;"), "{page}");
        assert!(page.contains("<span class=\"hljs-section\">Background:</span>"), "{page}");
        assert!(page.contains("<span class=\"hljs-keyword\">When</span> Ada waits"), "{page}");
        assert!(!page.trim_end().contains('\n'), "Markdown would end it at an empty line: {page}");
    }
}

#[test]
fn gherkin_of_a_page_has_its_colours() {
    let page = shown("```gherkin\nFeature: Tea\n\n  Rule: Hot\n```\n", &sources(), true).unwrap();
    assert!(page.starts_with("<pre><code class=\"nohighlight gherkin\"><span"), "{page}");
    assert!(page.contains("Tea</span>&#10;&#10;  <span"), "{page}");
}

#[test]
fn an_example_is_a_figure_of_all_its_files_or_of_one() {
    let page = shown("{{#example try}}\n", &sources(), true).unwrap();
    assert!(page.contains("<figure class=\"example\" id=\"example-try\">"), "{page}");
    assert!(page.contains("<code class=\"language-python\">print(1 &lt; 2)</code>"), "{page}");
    assert!(page.contains("<code data-prompt=\"$\" class=\"nohighlight\">python3 client.py</code>"), "{page}");
    assert!(page.contains("href=\"../evidence/claims.md#C01\""), "{page}");
    let page = shown("{{#example try show=client.py}}\n", &sources(), true).unwrap();
    assert!(!page.contains("data-prompt") && !page.contains("id="), "{page}");
}

#[test]
fn the_ledger_shows_each_claim_with_all_that_belongs_to_it() {
    let page = shown("{{#claim C01}}\n\n{{#ledger}}\n", &sources(), true).unwrap();
    for part in [
        "| Administrator guide | 2 | 0 | 1 | 0 | 0 |",
        "## Administrator guide",
        "<article class=\"entry proven\" id=\"C01\">",
        "<summary>It is tried</summary>",
        "<summary>Example: Try</summary>",
        "Test: <code>tests/a.rs: it_holds</code>",
        "Stands in: <a href=\"../user/page.md\">Page</a>",
        "<article class=\"entry planned\" id=\"C02\">",
        "../evidence/questions.md#question-C03",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let page = shown("{{#example try}}\n\n{{#ledger}}\n", &sources(), true).unwrap();
    assert!(page.contains("Example: <a href=\"../user/page.md#example-try\">Try</a>"), "{page}");
}

#[test]
fn questions_and_plans_have_their_pages() {
    let page = shown("{{#questions}}\n", &sources(), true).unwrap();
    assert!(page.contains("id=\"question-C03\""), "{page}");
    assert!(page.contains("This, as [there](../user/together.md)."), "{page}");
    assert!(!page.contains("C01"), "{page}");
    let page = shown("{{#planned}}\n", &sources(), true).unwrap();
    assert!(page.contains("To come.") && !page.contains("C03"), "{page}");
}
