//! What the pages tell people, held against the page of the User guide that explains it.

use std::{
    fs,
    path::{Path, PathBuf},
};

const EXPLAINED: &str = "book/src/user/signs.md";
/// Scripts whose words are for everybody. The administrators' page has a guide of its own.
const SCRIPTS: [&str; 5] = ["editor", "home", "kept", "ajax.ts", "delete.ts"];
/// What the server writes into pages for everybody.
const PAGES: [&str; 2] = ["src/wfe/editor.rs", "src/wfe/pages.rs"];

/// The files at or below a path.
fn files(path: PathBuf) -> Vec<PathBuf> {
    if path.is_dir() {
        fs::read_dir(path).unwrap().flat_map(|entry| files(entry.unwrap().path())).collect()
    } else {
        vec![path]
    }
}

/// Whether it is something to be read: words, and nothing that only programs write.
fn is_said(text: &str) -> bool {
    let words = text.split(|letter: char| !letter.is_alphabetic()).filter(|word| !word.is_empty()).count();
    let is_plain = |letter: char| letter.is_alphabetic() || " ,;:.'’“”-".contains(letter);
    words > 1 && text.chars().all(is_plain) && text.contains(' ')
}

/// What a script says: its texts, and those around what it fills in.
fn said_by_script(code: &str) -> Vec<String> {
    let lines = code.lines().filter(|line| !line.trim_start().starts_with(['/', '*']));
    let texts =
        lines.flat_map(|line| ['\'', '`'].map(|quote| line.split(quote).skip(1).step_by(2)).into_iter().flatten());
    let pieces = texts.flat_map(|text| text.split("${").enumerate()).map(|(index, piece)| match index {
        0 => piece,
        _ => piece.split_once('}').map_or("", |(_, behind)| behind),
    });
    // Class lists have words in a row, too.
    let pieces = pieces.filter(|piece| is_said(piece)).map(|piece| piece.trim_matches([' ', '.', ',', ';', '“', '”']));
    pieces.filter(|piece| piece.contains(' ')).map(str::to_owned).collect()
}

/// What a page says in whole sentences.
fn said_by_page(code: &str) -> Vec<String> {
    let code = code.split("#[cfg(test)]").next().unwrap_or(code);
    let texts = code.lines().flat_map(|line| line.split('"').skip(1).step_by(2));
    texts.filter(|text| text.ends_with('.') && text.starts_with(char::is_uppercase)).map(str::to_owned).collect()
}

#[test]
fn the_guide_explains_whatever_the_pages_say() {
    let guide = fs::read_to_string(super::root().join(EXPLAINED)).unwrap().to_lowercase();
    let read = |path: &Path| fs::read_to_string(path).unwrap();
    let scripts = SCRIPTS.iter().flat_map(|part| files(super::root().join("src/wfe/web/src").join(part)));
    let scripts = scripts.filter(|path| path.extension().is_some_and(|extension| extension == "ts"));
    let pages = PAGES.iter().map(|page| super::root().join(page));
    let mut said: Vec<String> = scripts.flat_map(|path| said_by_script(&read(&path))).collect();
    assert!(said.iter().any(|text| text == "not saved yet"), "nothing was found: {said:?}");
    said.extend(pages.flat_map(|path| said_by_page(&read(&path))));
    let missing: Vec<String> = said.into_iter().filter(|text| !guide.contains(&text.to_lowercase())).collect();
    assert!(missing.is_empty(), "{EXPLAINED} does not say what these mean: {missing:#?}");
}
