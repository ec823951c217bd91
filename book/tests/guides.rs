//! The book as readers get it: built in this process, strictly, with every link followed.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write as _,
    path::{Component, Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, LazyLock, Mutex},
};

use book::{ledger::Ledger, preprocessor, preprocessor::WidgetApp};
use mdbook_driver::{
    MDBook,
    book::{Book, BookItem, Chapter},
    config::Config,
};
use mdbook_preprocessor::PreprocessorContext;
use scraper::{Html, Selector};
use tempfile::TempDir;

/// What mdBook makes itself, with links that hold only on a web server.
const NOT_OURS: [&str; 2] = ["404.html", "toc.html"];

fn folder() -> PathBuf {
    book::root().join("book")
}

/// The book, to be built into a folder.
fn load(into: &Path, strict: bool) -> MDBook {
    let mut config = Config::from_disk(folder().join("book.toml")).unwrap();
    config.build.build_dir = into.to_owned();
    config.set(preprocessor::STRICT, strict).unwrap();
    let mut book = MDBook::load_with_config(folder(), config).unwrap();
    // In the place of the command of the same name.
    book.with_preprocessor(WidgetApp);
    book
}

/// What the book is built into, and what mdBook had to say: warnings and errors.
static BUILT: LazyLock<(TempDir, String)> = LazyLock::new(|| {
    let into = tempfile::tempdir().unwrap();
    let said = Arc::new(Mutex::new(Vec::new()));
    let log = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::WARN)
        .with_ansi(false)
        .without_time()
        .with_writer(Said(said.clone()))
        .finish();
    let built = tracing::subscriber::with_default(log, || load(into.path(), false).build());
    let mut said = String::from_utf8(said.lock().unwrap().clone()).unwrap();
    if let Err(why) = built {
        said += &format!("{why:#}");
    }
    (into, said)
});

#[derive(Clone)]
struct Said(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Said {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl tracing_subscriber::fmt::MakeWriter<'_> for Said {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[test]
fn the_book_is_built_without_a_warning() {
    assert!(BUILT.1.is_empty(), "\n{}", BUILT.1);
}

#[test]
fn every_claim_that_a_page_shows_is_proven_as_it_stands() {
    let into = tempfile::tempdir().unwrap();
    if let Err(why) = load(into.path(), true).build() {
        panic!("{why:#}");
    }
}

#[test]
fn every_claim_has_its_proofs_and_the_snapshot_knows_them() {
    let faults = book::commands::check().unwrap();
    assert!(faults.is_empty(), "\n{}\nTo write the snapshot: cargo run -p book -- snapshot", faults.join("\n"));
}

#[test]
fn every_page_is_in_the_summary() {
    let book = load(Path::new("unused"), false);
    let listed: BTreeSet<PathBuf> = book.book.chapters().filter_map(|chapter| chapter.source_path.clone()).collect();
    let written = files(&folder().join("src"), "md");
    assert_eq!(written.into_iter().filter(|page| page != Path::new("SUMMARY.md")).collect::<BTreeSet<_>>(), listed);
}

#[test]
fn every_link_leads_somewhere() {
    let built = BUILT.0.path();
    let pages: BTreeMap<PathBuf, Page> = files(built, "html")
        .into_iter()
        .filter(|path| !NOT_OURS.contains(&path.to_str().unwrap()))
        .map(|path| (path.clone(), Page::read(&built.join(path))))
        .collect();
    let mut faults = Vec::new();
    for (path, page) in &pages {
        for link in &page.links {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { path.clone() } else { resolved(path, file) };
            let found = built.join(&target).is_file();
            let known = anchor.is_empty() || pages.get(&target).is_some_and(|page| page.ids.contains(anchor));
            if !found || !known {
                faults.push(format!("{}: {link} leads nowhere", path.display()));
            }
        }
        faults.extend(page.twice.iter().map(|id| format!("{}: the id {id} is there twice", path.display())));
    }
    assert!(!pages.is_empty(), "\n{}", BUILT.1);
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// Whether anybody answers there is not asked: that needs the internet, and changes by itself.
#[test]
fn every_link_to_elsewhere_is_an_address() {
    let built = BUILT.0.path();
    let pages = files(built, "html").into_iter().filter(|path| !NOT_OURS.contains(&path.to_str().unwrap()));
    let faults: Vec<String> = pages
        .flat_map(|path| {
            let links = Page::read(&built.join(&path)).elsewhere;
            links.into_iter().filter(|link| !is_address(link)).map(move |link| format!("{}: {link}", path.display()))
        })
        .collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    assert!(is_address("https://www.example.com/a#b") && is_address("http://127.0.0.1:8080/"));
    for wrong in
        ["https://example", "https:// example.com", "htps://example.com", "https://example..com", "http://a.com"]
    {
        assert!(!is_address(wrong), "{wrong}");
    }
}

/// An address of the internet by HTTPS, or by HTTP of this machine.
fn is_address(link: &str) -> bool {
    let (rest, here) = match (link.strip_prefix("https://"), link.strip_prefix("http://")) {
        (Some(rest), _) => (rest, false),
        (_, Some(rest)) => (rest, true),
        _ => return false,
    };
    let host = rest.split(['/', '?', '#', ':']).next().unwrap_or_default();
    let named = host.contains('.') && host.split('.').all(|part| !part.is_empty());
    named && rest.bytes().all(|byte| byte.is_ascii_graphic()) && (!here || host == "127.0.0.1")
}

/// What a page can be linked by, and what it links to.
#[derive(Default)]
struct Page {
    ids: BTreeSet<String>,
    twice: Vec<String>,
    links: BTreeSet<String>,
    /// Links to other sites.
    elsewhere: BTreeSet<String>,
}

impl Page {
    fn read(path: &Path) -> Self {
        let html = Html::parse_document(&fs::read_to_string(path).unwrap());
        let mut page = Self::default();
        for element in html.select(&Selector::parse("[id], [href], [src]").unwrap()) {
            if let Some(id) = element.attr("id")
                && !page.ids.insert(id.to_owned())
            {
                page.twice.push(id.to_owned());
            }
            let links = ["href", "src"].into_iter().filter_map(|name| element.attr(name));
            for link in links.filter(|link| !link.starts_with("mailto:")) {
                let kind = if link.contains("://") { &mut page.elsewhere } else { &mut page.links };
                kind.insert(link.to_owned());
            }
        }
        page
    }
}

/// Where a link of a page leads, from the book's folder on.
fn resolved(page: &Path, link: &str) -> PathBuf {
    let mut path = PathBuf::new();
    for part in page.parent().unwrap().join(link).components() {
        match part {
            // Beyond the book there may be something else on a server.
            Component::ParentDir if !path.pop() => path.push(".."),
            Component::ParentDir => {}
            other => path.push(other),
        }
    }
    path
}

/// The files below a folder, from it on.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { collect(&path, found) } else { found.push(path) }
        }
    }
    let mut found = Vec::new();
    collect(folder, &mut found);
    found.retain(|path| path.extension().is_some_and(|extension| extension == ending));
    found.into_iter().map(|path| path.strip_prefix(folder).unwrap().to_owned()).collect()
}

#[test]
fn mdbook_is_answered_over_standard_input_and_output() {
    let ledger = Ledger::read().unwrap();
    let claim = ledger.iter().next().unwrap();
    let chapter = Chapter::new("Page", format!("{{{{#claim {}}}}}\n", claim.id), "page.md", Vec::new());
    let book = Book::new_with_items(vec![BookItem::Chapter(chapter)]);
    let context = PreprocessorContext::new(folder(), Config::default(), "html".into());

    let mut program = program().stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    program.stdin.take().unwrap().write_all(&serde_json::to_vec(&(context, book)).unwrap()).unwrap();
    let output = program.wait_with_output().unwrap();

    assert!(output.status.success());
    let book: Book = serde_json::from_slice(&output.stdout).unwrap();
    let page = &book.chapters().next().unwrap().content;
    assert!(page.contains(&format!("href=\"evidence/claims.md#{}\"", claim.id)), "{page}");
}

#[test]
fn mdbook_is_told_for_which_renderer_pages_are_prepared() {
    let supports = |renderer: &str| program().args(["supports", renderer]).output().unwrap().status.success();
    assert!(supports("html"));
    assert!(!supports("epub"));
}

/// As mdBook starts it: in the book's folder.
fn program() -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_mdbook-widgetapp"));
    program.current_dir(folder());
    program
}
