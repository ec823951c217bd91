//! The guides as WidgetApp serves them, in people's browsers: what readers try out in the page.

use std::sync::{Mutex, PoisonError};

use book::{
    examples::{self, Example},
    preprocessor::WidgetApp,
};
use cucumber::{gherkin::Step, given, then, when};
use mdbook_driver::{MDBook, config::Config};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::Name;
use crate::{
    scene::{Scene, aside},
    web, wording,
};

/// Where they are served.
const SERVED: &str = "/guide/";
/// Built for the first scenario that wants them.
static BUILT: Mutex<Option<TempDir>> = Mutex::new(None);

/// The folder that they are built into.
async fn built() -> String {
    let path = || {
        let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
        built.get_or_insert_with(build).path().display().to_string()
    };
    aside(path).await
}

fn build() -> TempDir {
    let into = TempDir::new().expect("a temporary directory");
    let folder = book::root().join("book");
    let mut config = Config::from_disk(folder.join("book.toml")).expect("the book has its settings");
    config.build.build_dir = into.path().to_owned();
    let mut guides = MDBook::load_with_config(folder, config).expect("the book can be read");
    // In the place of the command of the same name.
    guides.with_preprocessor(WidgetApp);
    guides.build().expect("the book can be built");
    into
}

/// Takes them away, if they were built.
pub fn remove() {
    drop(BUILT.lock().unwrap_or_else(PoisonError::into_inner).take());
}

#[given("WidgetApp is running and shows the guides")]
async fn running(scene: &mut Scene) {
    scene.options = vec!["--guides".into(), built().await];
    scene.start().await;
}

#[when(expr = "{person} opens the page {string} of the guides, without a login")]
async fn opens_unknown(scene: &mut Scene, name: Name, page: String) {
    let address = format!("{}{SERVED}{page}", scene.url());
    scene.open_browser(&name).await.go(&address).await;
}

#[when(expr = "{person} opens the page {string} of the guides from a folder")]
async fn opens_file(scene: &mut Scene, name: Name, page: String) {
    let address = format!("file://{}/{page}", built().await);
    scene.open_browser(&name).await.go(&address).await;
}

#[when(expr = "{person} draws a box labelled {string} in the left window")]
async fn draws_left(scene: &mut Scene, name: Name, label: String) {
    let browser = scene.browser(&name);
    let live = "[0, 1].every((each) => /^Live/.test(frames[each]?.document.querySelector('#status')?.textContent))";
    browser.wait("both windows are live", live).await;
    browser.evaluate::<Value>("void (frames[0].focus(), frames[0].document.querySelector('#canvas').focus())").await;
    for key in ["b", "Enter"] {
        browser.press(key).await;
    }
    browser.wait("the label is asked for", "frames[0].document.activeElement.id === 'label'").await;
    browser.types(&label).await;
}

#[then(expr = "{person} sees {string} in the right window")]
async fn sees_right(scene: &mut Scene, name: Name, label: String) {
    let script = format!("frames[1].document.querySelector('#canvas').textContent.includes({})", json!(label));
    scene.browser(&name).wait(&format!("{label:?} in the right window"), &script).await;
}

/// The examples with the button are those that may have it, each on one of these pages.
#[when(expr = "{person} runs each example that can be run, on the pages:")]
async fn runs_all(scene: &mut Scene, name: Name, step: &Step) {
    let pages: Vec<String> = step.table.iter().flat_map(|table| &table.rows).flatten().cloned().collect();
    let address = format!("{}{SERVED}", scene.url());
    let browser = scene.browser(&name);
    let mut run = Vec::<String>::new();
    for page in pages {
        browser.go(&format!("{address}{page}")).await;
        let names = "[...document.querySelectorAll('.run')].map((button) =>
            `${button.closest('figure').id.replace('example-', '')}/${button.dataset.file}`)";
        for (index, name) in browser.evaluate::<Vec<String>>(names).await.into_iter().enumerate() {
            let button = format!("document.querySelectorAll('.run')[{index}]");
            browser.evaluate::<Value>(&format!("{button}.click()")).await;
            let said = format!("{button}.closest('figure').querySelector('.said').textContent");
            browser.wait(&format!("{name} has been run"), &format!("!{button}.disabled && {said}")).await;
            let said: String = browser.evaluate(&said).await;
            assert!(said.starts_with("All of it came as the guide shows it"), "{page}, {name}: {said}");
            run.push(name);
        }
    }
    let all = examples::read_all().expect("the examples can be read");
    let named = |example: &Example| -> Vec<String> {
        example.runnable().map(|(file, _)| format!("{}/{file}", example.id)).collect()
    };
    let mut can: Vec<String> = all.iter().flat_map(named).collect();
    run.sort();
    run.dedup();
    can.sort();
    assert_eq!(run, can);
}

#[when(expr = "{person} asks for the page {string}")]
async fn asks(scene: &mut Scene, name: Name, path: String) {
    let (cookie, path) = (web::log_in(scene, &name).await, wording::fill_in(scene, &path));
    scene.answer = Some(web::send(scene, "GET", &path, &[("cookie", cookie)], None).await);
}

#[when(expr = "{person} runs the example {string}")]
async fn runs(scene: &mut Scene, name: Name, title: String) {
    let button = format!(
        "[...document.querySelectorAll('figure')].find((figure) => \
         figure.querySelector('.title')?.textContent === {}).querySelector('.run').click()",
        json!(title)
    );
    scene.browser(&name).evaluate::<Value>(&button).await;
}
