//! Commands of the administrator.

use std::{os::unix::fs::PermissionsExt as _, path::PathBuf, process::Command};

use cucumber::{gherkin::Step, given, then, when};

use crate::scene::{Scene, aside};

#[when(expr = "the administrator runs {string}")]
#[given(expr = "the administrator has run {string}")]
async fn runs(scene: &mut Scene, line: String) {
    let mut words = line.split_whitespace();
    match words.next() {
        Some("widgetapp_admin") => scene.admin(&words.collect::<Vec<_>>()).await,
        Some("widgetapp") => widgetapp(scene, words.map(str::to_owned).collect()).await,
        _ => panic!("not a command of the administrator"),
    }
}

#[given(expr = "the administrator has a {string}:")]
async fn has_file(scene: &mut Scene, name: String, step: &Step) {
    let folder = scene.folder.get_or_insert_with(|| tempfile::TempDir::new().expect("a temporary directory"));
    let text = step.docstring.as_ref().expect("the file is given");
    std::fs::write(folder.path().join(name), text).expect("it can be written");
}

/// Runs the program itself beside the directory of its data, which has its usual name there.
async fn widgetapp(scene: &mut Scene, arguments: Vec<String>) {
    let data = scene.product().data().to_owned();
    let folder = scene.folder.get_or_insert_with(|| tempfile::TempDir::new().expect("a temporary directory"));
    let (folder, variables) = (folder.path().to_owned(), scene.variables.clone());
    let run = move || {
        let beside = folder.join("widgetapp-data");
        if !beside.exists() {
            std::os::unix::fs::symlink(data, beside).expect("it can be named");
        }
        let output = Command::new(env!("CARGO_BIN_EXE_widgetapp"))
            .args(arguments)
            .current_dir(folder)
            .envs(variables)
            .output()
            .expect("the program runs");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
    };
    scene.command = Some(aside(run).await);
}

#[then(expr = "it has told {string}")]
async fn has_told(scene: &mut Scene, what: String) {
    let (_, output, _) = result(scene);
    assert!(output.contains(&what), "{output}");
}

#[when("the administrator starts a second server on the same data")]
async fn second_server(scene: &mut Scene) {
    let data = scene.product().data().display().to_string();
    serve(scene, vec!["--listen".into(), "127.0.0.1:0".into(), "--data".into(), data]).await;
}

#[when("the administrator starts a second server at the same address, on new data")]
async fn server_at_same_address(scene: &mut Scene) {
    let folder = tempfile::TempDir::new().expect("a temporary directory");
    let data = new_data(&folder).display().to_string();
    let address = scene.product().address().to_owned();
    serve(scene, vec!["--listen".into(), address, "--data".into(), data]).await;
    scene.folder = Some(folder);
}

/// Where there is nothing yet.
fn new_data(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().join("new").join("data")
}

#[then("nobody but the owner can enter the data directory that it made")]
async fn made_privately(scene: &mut Scene) {
    let data = new_data(scene.folder.as_ref().expect("a second server was started"));
    let mode = std::fs::metadata(data).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[then("the command succeeds and prints nothing")]
async fn prints_nothing(scene: &mut Scene) {
    assert_eq!(result(scene), (0, "", ""));
}

#[when(expr = "the administrator starts another server with the setting {string}")]
async fn server_with_setting(scene: &mut Scene, setting: String) {
    let directory = tempfile::TempDir::new().expect("a temporary directory");
    let file = directory.path().join("wrong.toml");
    std::fs::write(&file, setting.replace("] ", "]\n").replace("; ", "\n")).expect("it can be written");
    let data = directory.path().join("data").display().to_string();
    serve(scene, vec!["--config".into(), file.display().to_string(), "--data".into(), data]).await;
}

#[when(expr = "the administrator starts another server with the option {string}")]
async fn server_with_option(scene: &mut Scene, option: String) {
    let directory = tempfile::TempDir::new().expect("a temporary directory");
    let data = directory.path().join("data").display().to_string();
    let options = option.split_whitespace().map(str::to_owned).chain(["--data".into(), data]);
    serve(scene, options.collect()).await;
}

#[when(expr = "the administrator starts another server with the variable {string}")]
async fn server_with_variable(scene: &mut Scene, variable: String) {
    let directory = tempfile::TempDir::new().expect("a temporary directory");
    let data = directory.path().join("data").display().to_string();
    let (name, value) = variable.split_once('=').expect("NAME=VALUE");
    scene.variables.push((name.into(), value.into()));
    serve(scene, vec!["--data".into(), data]).await;
}

/// Runs a server that is to end by itself.
pub(super) async fn serve(scene: &mut Scene, options: Vec<String>) {
    let variables = scene.variables.clone();
    let run = || {
        let output = Command::new("timeout")
            .args(["20", env!("CARGO_BIN_EXE_widgetapp"), "serve"])
            .args(options)
            .envs(variables)
            .output()
            .expect("the server runs");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
    };
    scene.command = Some(aside(run).await);
}

fn result(scene: &Scene) -> (i32, &str, &str) {
    let (code, output, errors) = scene.command.as_ref().expect("a command was run");
    (*code, output, errors)
}

#[then(expr = "the command succeeds and says {string}")]
async fn succeeds(scene: &mut Scene, what: String) {
    let (code, output, errors) = result(scene);
    assert_eq!((code, errors), (0, ""));
    assert!(output.contains(&what), "{output}");
}

#[then(expr = "it ends with code {int}")]
async fn ends_with(scene: &mut Scene, expected: i32) {
    assert_eq!(result(scene).0, expected);
}

#[then("the command prints:")]
async fn prints(scene: &mut Scene, step: &Step) {
    let expected = step.docstring.as_ref().expect("the output is given");
    assert_eq!(result(scene).1.trim(), expected.trim());
}

#[then(expr = "the command ends with code {int} and the one line {string}")]
async fn one_line(scene: &mut Scene, expected: i32, what: String) {
    let (code, _, errors) = result(scene);
    assert_eq!((code, errors.trim().lines().count()), (expected, 1), "{errors}");
    assert!(errors.contains(&what), "{errors}");
}

#[then(expr = "the command ends with code {int} and tells about {string}")]
async fn tells_about(scene: &mut Scene, expected: i32, what: String) {
    let (code, _, errors) = result(scene);
    assert_eq!(code, expected, "{errors}");
    assert!(errors.contains(&what), "{errors}");
}

#[then(expr = "the command prints a table with the columns {string}")]
async fn prints_table(scene: &mut Scene, columns: String) {
    let head = result(scene).1.lines().next().unwrap_or_default();
    assert_eq!(head.split_whitespace().collect::<Vec<_>>(), columns.split_whitespace().collect::<Vec<_>>());
}

#[then(expr = "the table shows {string}, {string} and {string} as {string}")]
async fn table_shows(scene: &mut Scene, one: String, two: String, three: String, state: String) {
    let rows = result(scene).1.lines().skip(1);
    let mut shown: Vec<(&str, bool)> = rows
        .filter_map(|row| Some((row.split_whitespace().next()?, row.split_whitespace().any(|cell| cell == state))))
        .collect();
    shown.sort_unstable();
    let mut expected = [(one.as_str(), true), (&two, true), (&three, true)];
    expected.sort_unstable();
    assert_eq!(shown, expected);
}
