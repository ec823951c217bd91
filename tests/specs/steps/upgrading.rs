//! The program is replaced while the server runs.

use std::{
    io::{BufRead as _, BufReader},
    os::fd::OwnedFd,
    process::{Child, Command, Stdio},
    sync::Arc,
};

use cucumber::{gherkin::Step, given, then, when};
use tempfile::TempDir;

use super::{Kind, processes::only};
use crate::{
    product::{Installation, kill},
    scene::{Scene, aside, until, until_async},
    screen,
};

/// A server that runs at a terminal, until that is closed.
pub struct AtTerminal {
    server: Child,
    terminal: Option<OwnedFd>,
    _data: TempDir,
}

impl Drop for AtTerminal {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

#[given("WidgetApp is installed and running")]
async fn installed(scene: &mut Scene) {
    scene.installation = Some(Arc::new(aside(Installation::new).await));
    scene.start().await;
}

/// Notes the processes that run, and puts another program into the place of the installed one.
async fn takes_the_place(scene: &mut Scene, put: impl FnOnce(&Installation) + Send + 'static) {
    for kind in ["_wfe", "_sfe", "_stream"] {
        let pid = only(scene, kind).await;
        scene.pids.insert(kind.into(), pid);
    }
    let installation = installation(scene);
    aside(move || put(&installation)).await;
}

fn installation(scene: &Scene) -> Arc<Installation> {
    Arc::clone(scene.installation.as_ref().expect("the feature says that WidgetApp is installed"))
}

#[when("a newer program takes the place of the installed one")]
async fn newer(scene: &mut Scene) {
    takes_the_place(scene, Installation::put_newer).await;
}

#[when("a program that ends at once takes the place of the installed one")]
async fn ends_at_once(scene: &mut Scene) {
    takes_the_place(scene, |place| place.put_script("exit 1")).await;
}

#[when("half a program takes the place of the installed one")]
async fn half(scene: &mut Scene) {
    takes_the_place(scene, Installation::put_truncated).await;
}

#[when("a program of another kind takes the place of the installed one")]
async fn of_another_kind(scene: &mut Scene) {
    takes_the_place(scene, |place| place.put_script("echo \"I make tea.\"")).await;
}

#[when("a program whose processes speak another language takes the place of the installed one")]
async fn of_another_language(scene: &mut Scene) {
    takes_the_place(scene, Installation::put_incompatible).await;
}

#[when("a program that cannot start after all takes the place of the installed one")]
async fn failing(scene: &mut Scene) {
    let data = scene.product().data().to_owned();
    takes_the_place(scene, move |place| place.put_failing(&data)).await;
}

#[when(expr = "the server gets the signal {string}")]
async fn gets_signal(scene: &mut Scene, signal: String) {
    let pid = scene.product().pid();
    aside(move || kill(&signal, pid)).await;
}

#[then("the server itself, the _wfe and the _sfe are of the newer program")]
async fn are_newer(scene: &mut Scene) {
    let (installation, supervisor) = (installation(scene), scene.product().pid());
    until("the server is of the newer program", || installation.is_run_by(supervisor).then_some(())).await;
    for kind in ["_wfe", "_sfe"] {
        is_newer(scene, Kind(kind.into())).await;
    }
}

#[then(expr = "the {kind} is of the newer program")]
async fn is_newer(scene: &mut Scene, kind: Kind) {
    let installation = installation(scene);
    until_async(&format!("the {kind} is of the newer program"), async || {
        let running = scene.processes(&kind).await;
        (running.len() == 1 && installation.is_run_by(running[0].1)).then_some(())
    })
    .await;
}

#[then(expr = "the {kind} is the same as before")]
async fn is_the_same(scene: &mut Scene, kind: Kind) {
    assert_eq!(only(scene, &kind).await, scene.pids[&*kind]);
}

#[when("the settings are changed to:")]
async fn settings_change(scene: &mut Scene, step: &Step) {
    let text = step.docstring.as_ref().expect("the settings are given");
    // Where the server was started, there is its data directory.
    std::fs::write(scene.product().data().join("widgetapp.toml"), text).expect("it can be written");
}

#[given("WidgetApp is running at a terminal")]
async fn at_terminal(scene: &mut Scene) {
    let start = || {
        let (terminal, inside) = screen::pair().expect("there are terminals");
        let data = TempDir::new().expect("a temporary directory");
        // It is the first of its session, as a shell is: to it the system tells that the terminal is gone.
        let mut server = Command::new("setsid")
            .args(["--ctty", env!("CARGO_BIN_EXE_widgetapp"), "serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data.path())
            .stdin(inside)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let output = server.stdout.take().expect("it is piped");
        let line = BufReader::new(output).lines().next().expect("it says where it listens").expect("text");
        assert!(line.starts_with("listening on "), "{line}");
        AtTerminal { server, terminal: Some(terminal), _data: data }
    };
    scene.at_terminal = Some(aside(start).await);
}

#[when("the terminal is closed")]
async fn terminal_closes(scene: &mut Scene) {
    drop(scene.at_terminal.as_mut().and_then(|here| here.terminal.take()));
}

#[then(expr = "the server stops by itself with code {int}")]
async fn stops_by_itself(scene: &mut Scene, code: i32) {
    let server = &mut scene.at_terminal.as_mut().expect("it runs at a terminal").server;
    let ended = until("the server stops", || server.try_wait().expect("it can be waited for")).await;
    assert_eq!(ended.code(), Some(code));
}
