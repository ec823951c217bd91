//! Load tests. The load tester is built apart from the tests, for it brings much with it: where it was not built its
//! scenarios are skipped, in sight, and where nothing may be skipped they fail.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use cucumber::{given, then, when};
use serde_json::Value;

use super::Name;
use crate::{
    report::NotHere,
    scene::{Scene, aside},
};

/// Where the load tester leaves its report.
const REPORT: &str = "loadtest-report";

fn program() -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_widgetapp")).with_file_name("loadtest");
    if !program.exists() {
        let why = "the load tester was not built (cargo build --bin loadtest)".to_owned();
        let in_ci = std::env::var_os("CI").is_some_and(|ci| ci == "true");
        assert!(!in_ci, "{why}");
        std::panic::panic_any(NotHere(why));
    }
    program
}

#[when(expr = "the administrator measures with {string}")]
async fn measures(scene: &mut Scene, line: String) {
    measure(scene, &line, Vec::new()).await;
}

#[when(expr = "the administrator measures, as {person}, with {string}")]
async fn measures_as(scene: &mut Scene, name: Name, line: String) {
    let product = scene.product();
    let password = product.demo()["users"][name.to_lowercase()]["password"].as_str().expect("a password").to_owned();
    let line = line.replace(" URL ", &format!(" {} ", product.url()));
    measure(scene, &line, vec![("WIDGETAPP_PASSWORD", password)]).await;
}

async fn measure(scene: &mut Scene, line: &str, variables: Vec<(&'static str, String)>) {
    let folder = scene.folder.get_or_insert_with(|| tempfile::TempDir::new().expect("a temporary directory"));
    let folder = folder.path().to_owned();
    let words: Vec<String> = line.split_whitespace().skip(1).map(str::to_owned).collect();
    let program = program();
    let run = move || {
        let mut command = Command::new(program);
        command.args(words).current_dir(folder).env_remove("WIDGETAPP_PASSWORD").envs(variables);
        let output = command.output().expect("the load tester runs");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
    };
    scene.command = Some(aside(run).await);
}

#[given(expr = "the recording {string} of somebody who types {string}")]
async fn recording(scene: &mut Scene, name: String, text: String) {
    let typed = text.char_indices().map(|(place, letter)| serde_json::json!({"patches": [[place, 0, letter]]}));
    let recording = serde_json::json!({"startContent": "", "txns": typed.collect::<Vec<_>>()});
    let folder = scene.folder.get_or_insert_with(|| tempfile::TempDir::new().expect("a temporary directory"));
    std::fs::write(folder.path().join(name), recording.to_string()).expect("it can be written");
}

fn read(scene: &Scene, name: &str) -> String {
    let path = scene.folder.as_ref().expect("it was measured").path().join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}\n{:?}", path.display(), scene.command))
}

fn report(scene: &Scene) -> Value {
    serde_json::from_str(&read(scene, &format!("{REPORT}/report.json"))).expect("the report is JSON")
}

#[then(expr = "the summary says {string}")]
async fn summary(scene: &mut Scene, what: String) {
    let (_, output, errors) = scene.command.as_ref().expect("it was measured");
    assert!(output.contains(&what), "{output}{errors}");
}

#[then(expr = "the file {string} says {string}")]
async fn file(scene: &mut Scene, name: String, what: String) {
    let text = read(scene, &name);
    assert!(text.contains(&what), "{text}");
}

#[then("the report is a page that needs nothing else, Markdown and JSON")]
async fn forms(scene: &mut Scene) {
    let page = read(scene, &format!("{REPORT}/report.html"));
    assert!(page.contains("<svg") && page.contains("Second by second"), "{page}");
    for elsewhere in ["://", "src=", "href=", "@import", "<script"] {
        assert!(!page.contains(elsewhere), "the page has {elsewhere}");
    }
    assert!(read(scene, &format!("{REPORT}/report.md")).starts_with("# Load test: "));
    assert!(report(scene)["machine"]["processors"].as_u64() > Some(0));
}

#[then(regex = "^the report shows steps with (.+) clients whose every change arrived once and in its order$")]
async fn whole(scene: &mut Scene, clients: String) {
    let report = report(scene);
    let steps = report["steps"].as_array().expect("steps");
    let asked: Vec<String> = steps.iter().map(|step| step["plan"]["clients"].to_string()).collect();
    assert_eq!(asked.join(" and "), clients);
    for step in steps {
        assert_eq!(step["misplaced"], serde_json::json!({"lost": 0, "duplicate": 0, "out_of_order": 0}));
        let figure = |name: &str| step["figures"][name].as_f64().expect("a figure");
        assert_eq!(step["unanswered"], 0);
        assert!(figure("edits_per_second") > 0.0 && figure("deliveries_per_second") > 0.0, "{step}");
    }
}

#[then(regex = "^the report tells of visits to (.+)$")]
async fn visits(scene: &mut Scene, names: String) {
    let report = report(scene);
    let visits = &report["steps"][0]["visits"];
    let names: Vec<&str> =
        names.split('"').filter(|name| !name.is_empty() && *name != ", " && *name != " and ").collect();
    for name in names {
        assert!(visits[name]["took"]["count"].as_u64() > Some(0), "{name}: {visits}");
        assert_eq!(visits[name]["failed"], 0, "{name}");
    }
}

#[then(expr = "the report tells that {string}, which dropped {int} connections, and all came back")]
async fn incident(scene: &mut Scene, what: String, dropped: u64) {
    let report = report(scene);
    let incidents = report["steps"][0]["incidents"].as_array().expect("incidents");
    let incident = incidents.iter().find(|incident| incident["what"] == what.as_str());
    let incident = incident.unwrap_or_else(|| panic!("{incidents:?}"));
    assert_eq!(incident["dropped"], dropped);
    assert!(incident["back_seconds"].as_f64().is_some() && incident["longest_us"].as_f64() > Some(0.0), "{incident}");
}
