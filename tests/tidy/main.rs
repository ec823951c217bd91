//! Rules about the tree itself, and what the guides say in the program's own words.
#![expect(clippy::unwrap_used, reason = "a rule that cannot be checked is broken")]

mod between_processes;
mod messages;
mod references;
mod signs;
mod stored_data;

use std::{
    fs,
    path::{Path, PathBuf},
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All Rust files below a folder of `src`, or the file of that name, with their text but without their tests.
fn sources(module: &str) -> Vec<(PathBuf, String)> {
    fn collect(path: &Path, found: &mut Vec<(PathBuf, String)>) {
        if path.is_dir() {
            fs::read_dir(path).unwrap().for_each(|entry| collect(&entry.unwrap().path(), found));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(path).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(&text);
            let code = code.lines().filter(|line| !line.trim_start().starts_with("//"));
            found.push((path.to_owned(), code.collect::<Vec<_>>().join("\n")));
        }
    }
    let mut found = Vec::new();
    collect(&root().join("src").join(module), &mut found);
    assert!(!found.is_empty(), "src/{module} is not there");
    found
}

fn modules() -> Vec<String> {
    let entries = fs::read_dir(root().join("src")).unwrap().map(|entry| entry.unwrap().path());
    let names = entries.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned());
    names.filter(|name| !["lib", "main", "bin"].contains(&name.as_str())).collect()
}

/// Asserts that none of these words stands in the code of a module.
fn forbid(module: &str, words: &[&str]) {
    for (path, code) in sources(module) {
        for word in words {
            assert!(!code.contains(word), "{} must not know {word}", path.display());
        }
    }
}

/// Asserts that a module uses no other modules of ours than these.
fn uses_only(module: &str, allowed: &[&str]) {
    for (path, code) in sources(module) {
        // `use crate::{a, b::{c}}` and `crate::a::b`: every name that follows `crate::` or stands at the
        // first level of its braces.
        let flat: String = code.split_whitespace().collect();
        for rest in flat.split("crate::").skip(1) {
            let (mut depth, mut name, mut names) = (0, String::new(), Vec::new());
            for letter in rest.chars() {
                match letter {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    'a'..='z' | '_' if depth <= 1 => name.push(letter),
                    _ => {}
                }
                if matches!(letter, ':' | ',' | ';' | '}' | '(' | '<' | ')') && !name.is_empty() {
                    names.push(std::mem::take(&mut name));
                    if depth == 0 {
                        break;
                    }
                }
            }
            for name in names.iter().filter(|name| modules().contains(name)) {
                let fine = allowed.contains(&name.as_str()) || name == module;
                assert!(fine, "{} must not use {name}", path.display());
            }
        }
    }
}

#[test]
fn the_contract_imports_nothing_of_ours() {
    uses_only("protocol", &[]);
}

#[test]
fn the_document_is_pure() {
    uses_only("thing", &["protocol"]);
    forbid("thing", &["async ", "tokio", "std::fs", "std::net", "std::time", "clock::"]);
}

#[test]
fn the_log_knows_no_documents() {
    uses_only("log", &["protocol", "limiter", "metrics"]);
}

#[test]
fn the_holder_of_websockets_knows_no_services() {
    uses_only("stream", &["protocol", "ipc", "clock", "config", "limiter", "metrics"]);
}

#[test]
fn the_sessions_know_no_database() {
    forbid("sfe", &["store::", "log::Log", "open_things", "rusqlite", "wfe::"]);
}

#[test]
fn the_map_of_the_code_names_every_module() {
    let map = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    for module in modules() {
        assert!(map.contains(&format!("[`{module}`]")), "src/lib.rs does not say what {module} is");
    }
}

#[test]
fn every_module_says_what_it_is() {
    for module in modules() {
        let path = root().join("src").join(&module);
        let file = if path.is_dir() { path.join("mod.rs") } else { path.with_extension("rs") };
        assert!(fs::read_to_string(&file).unwrap().starts_with("//! "), "{}", file.display());
    }
}

#[test]
fn no_drawer_for_this_and_that() {
    for module in modules() {
        for (path, _) in
            sources(&if root().join("src").join(&module).is_dir() { module.clone() } else { format!("{module}.rs") })
        {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            assert!(
                !["util", "utils", "helper", "helpers", "common", "misc", "manager"].contains(&name.as_str()),
                "{}",
                path.display()
            );
        }
    }
}

#[test]
#[should_panic(expected = "must not use protocol")]
fn a_use_that_is_not_allowed_is_found() {
    uses_only("stream", &["ipc", "clock", "config", "metrics"]);
}

/// Who may do what is decided in `access` alone: the doors ask there, and the services need its permit.
#[test]
fn nothing_but_access_decides() {
    // Roles and scopes are compared, and standings looked up, nowhere else. Those who only pass roles on, to tell
    // of them, may name the type; the demonstration sets roles and scopes up.
    for module in ["services", "sfe", "stream", "open_things", "wfe"] {
        for (path, code) in sources(module) {
            let name = path.file_stem().unwrap().to_string_lossy();
            if path.ends_with("wfe/demo.rs") || name.ends_with("tests") || name == "fixture" {
                continue;
            }
            for word in ["Role::Viewer", "Role::Editor", "Role::Owner", "needed_role", ".has(Scope"] {
                assert!(!code.contains(word), "{} decides by {word}; that is for access", path.display());
            }
        }
    }
    // Every door asks the one decision; nobody else makes a permit.
    let asks = |module: &str, word: &str| sources(module).iter().any(|(_, code)| code.contains(word));
    assert!(asks("wfe", "access::decide(") && asks("wfe", "access::may_stream("));
    for module in modules().into_iter().filter(|module| module != "access") {
        let folder = if root().join("src").join(&module).is_dir() { module } else { format!("{module}.rs") };
        forbid(&folder, &["Permit {"]);
    }
}
