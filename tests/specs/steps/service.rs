//! Service managers and containers: what they are told, and whether the guide's files for them fit the program.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::net::UnixDatagram,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::{Arc, Mutex, PoisonError},
};

use cucumber::{gherkin::Step, given, then, when};
use tempfile::TempDir;

use crate::scene::{Scene, aside, until};

/// What the service manager was told, line by line, and how many lines the feature has spoken of.
#[derive(Default)]
pub struct ServiceManager {
    told: Arc<Mutex<Vec<String>>>,
    cursor: usize,
}

impl ServiceManager {
    fn told(&self) -> Vec<String> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[given("WidgetApp is started by a service manager")]
async fn started_by_manager(scene: &mut Scene) {
    let folder = TempDir::new().expect("a temporary directory");
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    let manager = ServiceManager::default();
    let told = Arc::clone(&manager.told);
    std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(count) = socket.recv(&mut bytes) {
            let text = String::from_utf8_lossy(&bytes[..count]);
            told.lock().unwrap_or_else(PoisonError::into_inner).extend(text.lines().map(str::to_owned));
        }
    });
    scene.variables.push(("NOTIFY_SOCKET".into(), path.display().to_string()));
    scene.folder = Some(folder);
    scene.service_manager = manager;
    scene.start().await;
}

#[given(expr = "WidgetApp is started by a service manager that wants a sign of life within {int} ms")]
async fn started_by_watchdog(scene: &mut Scene, millis: u64) {
    scene.variables.push(("WATCHDOG_USEC".into(), (millis * 1000).to_string()));
    started_by_manager(scene).await;
}

#[then(expr = "the service manager is told {string}")]
async fn is_told(scene: &mut Scene, what: String) {
    let manager = &scene.service_manager;
    let found = || {
        let told = manager.told();
        told.iter().skip(manager.cursor).position(|line| line.starts_with(&what))
    };
    let at = until(&format!("the service manager is told {what}"), found).await;
    scene.service_manager.cursor += at + 1;
}

#[then(expr = "the service manager was never told {string}")]
async fn never_told(scene: &mut Scene, what: String) {
    assert!(!scene.service_manager.told().contains(&what));
}

#[when("the server is ended")]
async fn is_ended(scene: &mut Scene) {
    assert_eq!(scene.end("TERM").await, Some(0));
}

fn guide(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("book/src/admin").join(file)
}

#[given(expr = "the unit {string} of the guide")]
#[given(expr = "the {string} of the guide")]
async fn the_file(scene: &mut Scene, file: String) {
    scene.page = guide(&file);
}

fn lines(scene: &Scene) -> Vec<(String, String)> {
    let text = fs::read_to_string(&scene.page).expect("the guide has it");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once(['=', ' '])).map(|(name, value)| (name.into(), value.into())).collect()
}

/// The value of a unit's setting, or the rest of a Dockerfile's instruction.
fn line(scene: &Scene, name: &str) -> String {
    let lines = lines(scene);
    let mut found = lines.iter().rev().filter(|(other, _)| other == name).map(|(_, value)| value.clone());
    found.next().unwrap_or_else(|| panic!("there is no {name} in {}", scene.page.display()))
}

/// Asks the program whether it takes what would follow `serve`, in a folder of its own.
async fn takes(options: Vec<String>, variables: BTreeMap<String, String>) {
    let output = aside(move || {
        let folder = TempDir::new().expect("a temporary directory");
        let settings = folder.path().join("widgetapp.toml");
        fs::write(&settings, "").expect("it can be written");
        let here = |option: String| if option.ends_with(".toml") { settings.display().to_string() } else { option };
        run(Command::new(env!("CARGO_BIN_EXE_widgetapp"))
            .args(["config", "check"])
            .args(options.into_iter().map(here))
            .envs(variables)
            .current_dir(&folder))
    });
    let output = output.await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn run(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

#[then(expr = "the program takes the options of its {string}")]
async fn takes_options(scene: &mut Scene, name: String) {
    let command = line(scene, &name);
    let mut words = command.split(' ').map(str::to_owned);
    assert_eq!(words.by_ref().take(2).collect::<Vec<_>>(), ["/usr/local/bin/widgetapp", "serve"]);
    takes(words.collect(), BTreeMap::new()).await;
}

#[when(expr = "the command of its {string} is run on this server")]
async fn run_on_this(scene: &mut Scene, name: String) {
    let command = line(scene, &name);
    let words: Vec<&str> = command.split(' ').collect();
    let ["/usr/local/bin/widgetapp_admin", "-data", "/var/lib/widgetapp", rest @ ..] = &words[..] else {
        panic!("{command}")
    };
    scene.admin(rest).await;
}

#[then("its settings are:")]
async fn its_settings(scene: &mut Scene, step: &Step) {
    for row in step.table.as_ref().expect("the settings are given").rows.iter().skip(1) {
        assert_eq!(line(scene, &row[0]), row[1], "{}", row[0]);
    }
}

#[then(expr = "its {string} is longer than the server takes to stop")]
async fn is_longer(scene: &mut Scene, name: String) {
    let seconds: u64 = line(scene, &name).parse().expect("seconds");
    let most = widgetapp::supervisor::STOP_WITHIN.as_secs();
    assert!(seconds > most, "the server may take {most} s");
}

#[then("systemd has no complaint, if it is here")]
async fn no_complaint(scene: &mut Scene) {
    let unit = fs::read_to_string(&scene.page).expect("the guide has it");
    let folder = TempDir::new().expect("a temporary directory");
    let path = folder.path().join("widgetapp.service");
    // What it starts has to be there.
    let unit = unit.replace("/usr/local/bin/widgetapp", env!("CARGO_BIN_EXE_widgetapp"));
    fs::write(&path, unit).expect("it can be written");
    let verified = aside(move || Command::new("systemd-analyze").arg("verify").arg(path).output());
    if let Ok(output) = verified.await {
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && !said.contains("widgetapp.service"), "{said}");
    }
}

/// A folder with what the Dockerfile copies from the project.
fn copied(scene: &Scene) -> TempDir {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = TempDir::new().expect("a temporary directory");
    for (_, what) in lines(scene).iter().filter(|(name, what)| name == "COPY" && !what.starts_with("--from")) {
        let (sources, _) = what.rsplit_once(' ').expect("COPY FROM... TO");
        for source in sources.split(' ') {
            std::os::unix::fs::symlink(root.join(source), folder.path().join(source)).expect("it can be named");
        }
    }
    folder
}

#[then("cargo can plan the build with the files that it copies")]
async fn can_plan(scene: &mut Scene) {
    let folder = copied(scene);
    let output = aside(move || {
        let cargo = ["metadata", "--locked", "--offline", "--no-deps", "--format-version", "1"];
        run(Command::new(env!("CARGO")).args(cargo).current_dir(&folder))
    });
    let output = output.await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Cargo builds without them, too, but another program.
#[then("the project's settings of cargo are among them")]
async fn cargo_settings(scene: &mut Scene) {
    let settings = |root: &Path| fs::read_to_string(root.join(".cargo/config.toml")).ok();
    let folder = copied(scene);
    assert_eq!(settings(folder.path()), settings(Path::new(env!("CARGO_MANIFEST_DIR"))));
}

#[then(expr = "it builds as the page {string} says")]
async fn builds_as(scene: &mut Scene, page: String) {
    let page = fs::read_to_string(guide(&page)).expect("the guide has it");
    let build = lines(scene).into_iter().find(|(name, what)| name == "RUN" && what.starts_with("cargo"));
    let (_, build) = build.expect("it builds");
    assert!(page.contains(&format!("\n{build}\n")), "the page does not say {build}");
}

#[then("the program takes its command with its variables")]
async fn takes_command(scene: &mut Scene) {
    let words = |name| serde_json::from_str::<Vec<String>>(&line(scene, name)).expect("a list");
    let command = [words("ENTRYPOINT"), words("CMD")].concat();
    assert_eq!(command[..2], ["widgetapp", "serve"]);
    let variables = lines(scene).into_iter().filter(|(name, _)| name == "ENV");
    let variable = |(_, set): (String, String)| set.split_once('=').map(|(name, value)| (name.into(), value.into()));
    takes(command[2..].to_vec(), variables.filter_map(variable).collect()).await;
}

#[then(expr = "it runs as {string}")]
async fn runs_as(scene: &mut Scene, name: String) {
    assert_eq!(line(scene, "USER"), name);
}

#[then("its health check succeeds")]
async fn is_healthy(scene: &mut Scene) {
    assert!(health(scene).await);
}

#[then("its health check fails")]
async fn is_not_healthy(scene: &mut Scene) {
    assert!(!health(scene).await);
}

/// Runs the health check, against the port at which this server listens.
async fn health(scene: &Scene) -> bool {
    let check = line(scene, "HEALTHCHECK");
    let (_, command) = check.split_once("CMD ").expect("it has a command");
    let (_, port) = scene.product().address().rsplit_once(':').map(|(_, port)| ((), port.to_owned())).expect("a port");
    let command = command.replace("8080", &port);
    let words: Vec<String> = serde_json::from_str(&command).expect("a list");
    aside(move || run(Command::new(&words[0]).args(&words[1..])).status.success()).await
}
