//! The server as a whole.

use cucumber::{gherkin::Step, given, when};

use crate::{
    product::{eventually, is_alive, kill},
    scene::{Scene, aside},
};

#[given("WidgetApp is running")]
async fn running(scene: &mut Scene) {
    scene.start().await;
}

#[given("WidgetApp is running with these settings:")]
pub(super) async fn running_with(scene: &mut Scene, step: &Step) {
    start_with(scene, step.docstring.as_ref().expect("the settings are given")).await;
}

/// Starts it with these settings.
pub(super) async fn start_with(scene: &mut Scene, text: &str) {
    let file = tempfile::Builder::new().prefix("widgetapp-").suffix(".toml").tempfile().expect("a temporary file");
    std::fs::write(file.path(), text).expect("it can be written");
    let (_, path) = file.keep().expect("it can be kept until the server has read it");
    scene.options = vec!["--config".into(), path.to_string_lossy().into_owned()];
    scene.start().await;
    std::fs::remove_file(path).expect("it is ours");
}

#[when("the server is killed and started again")]
async fn killed_and_started(scene: &mut Scene) {
    scene.start_again("KILL").await;
}

#[when("the server is stopped and started again")]
async fn stopped_and_started(scene: &mut Scene) {
    scene.start_again("TERM").await;
}

#[given(expr = "the server is stopped, and started again where there is a {string}:")]
#[when(expr = "the server is stopped, and started again where there is a {string}:")]
async fn started_beside(scene: &mut Scene, name: String, step: &Step) {
    let text = step.docstring.clone().expect("the file is given");
    let with_file = move |data: tempfile::TempDir| {
        // The tests start the server in its data directory.
        std::fs::write(data.path().join(name), text).expect("it can be written");
        data
    };
    scene.start_again_on("TERM", with_file).await;
}

#[when("the server is killed")]
async fn killed(scene: &mut Scene) {
    let pid = scene.product().pid();
    aside(move || {
        kill("KILL", pid);
        eventually("the server has ended", || (!is_alive(pid)).then_some(()));
    })
    .await;
}
