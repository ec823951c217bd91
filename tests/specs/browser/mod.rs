//! The browser of one person: a window of a real Chromium, with one page in it.
//!
//! | file | what it is |
//! |---|---|
//! | `chromium` | the one process, and how it is spoken to |
//! | `notes` | what a page tells of itself: errors, the console |
//! | `hands` | what people do with a page: point, press, drag, type |

mod chromium;
mod hands;
mod notes;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, SemaphorePermit};
use widgetapp::clock;

pub use self::{chromium::Chromium, hands::Place};
use self::{chromium::locked, notes::Notes};
use crate::scene::{in_time, until_async};

/// Scenarios with browsers at once: a page keeps a processor busy while it is drawn.
static ROOM: Semaphore = Semaphore::const_new(2);

/// A window on a desk, and one on a phone.
pub const DESK: (u32, u32) = (1200, 760);
/// See [`DESK`].
pub const PHONE: (u32, u32) = (390, 800);

/// Waits until one more scenario may have browsers.
pub async fn room() -> SemaphorePermit<'static> {
    ROOM.acquire().await.expect("it is never closed")
}

/// See the module.
pub struct Browser {
    chromium: Arc<Chromium>,
    /// Its own cookies and kept data, apart from those of all others.
    context: String,
    page: Page,
    name: String,
    cut_at: Mutex<Option<Instant>>,
    /// What the pages of this browser have told, those before this one too.
    notes: Vec<Arc<Mutex<Notes>>>,
}

/// One of its windows.
pub struct Page {
    target: String,
    session: String,
}

impl Browser {
    /// Opens a browser that nobody has used before.
    pub async fn open(name: &str) -> Self {
        let chromium = Chromium::shared().await;
        let made = chromium.ask(None, "Target.createBrowserContext", json!({"disposeOnDetach": true})).await;
        let context = text(&made.expect("a browser can be opened"), "browserContextId");
        let (page, notes) = new_page(&chromium, &context).await;
        Self { chromium, context, page, name: name.to_owned(), cut_at: Mutex::default(), notes: vec![notes] }
    }

    /// Goes to an address, and waits until the page is there.
    pub async fn go(&self, url: &str) {
        let gone = self.ask("Page.navigate", json!({"url": url})).await;
        let error = gone["errorText"].as_str().unwrap_or_default();
        assert!(error.is_empty(), "{} cannot go to {url}: {error}", self.name);
        self.wait("the page is there", "document.readyState === 'complete'").await;
    }

    /// Loads the page anew.
    pub async fn reload(&self) {
        self.evaluate::<Value>("void (window.isOld = true)").await;
        self.ask("Page.reload", json!({})).await;
        self.wait("the page is there anew", "!window.isOld && document.readyState === 'complete'").await;
    }

    /// Opens an empty window, and turns to it; the one before goes on, and is what is given back.
    pub async fn open_window(&mut self) -> Page {
        let (page, notes) = new_page(&self.chromium, &self.context).await;
        self.notes.push(notes);
        std::mem::replace(&mut self.page, page)
    }

    /// Closes the window that it is turned to, as by the cross of its tab, and turns to another one.
    pub async fn close_window(&mut self, other: Page) {
        let closed = std::mem::replace(&mut self.page, other);
        let closed = self.chromium.ask(None, "Target.closeTarget", json!({"targetId": closed.target})).await;
        closed.expect("a page can be closed");
    }

    /// Closes the page, and has an empty one in the same browser.
    pub async fn close_page(&mut self) {
        let closing = self.open_window().await;
        let empty = std::mem::replace(&mut self.page, closing);
        self.close_window(empty).await;
    }

    /// Cuts its connection to the network, or mends it.
    pub async fn network(&self, there: bool) {
        *locked(&self.cut_at) = (!there).then(clock::now);
        // As fast as it goes.
        let conditions = json!({"offline": !there, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1});
        self.ask("Network.emulateNetworkConditions", conditions).await;
    }

    /// Waits until it has had no network for so long: the break itself, and nothing that should come of it.
    pub async fn offline_for(&self, time: Duration) {
        let since = locked(&self.cut_at).expect("the feature has cut the network");
        tokio::time::sleep_until((since + time).into()).await;
    }

    /// Makes its window this large.
    pub async fn resize(&self, (width, height): (u32, u32)) {
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.ask("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    /// Has the person prefer `light` or `dark`.
    pub async fn prefer(&self, scheme: &str) {
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.ask("Emulation.setEmulatedMedia", json!({"features": features})).await;
    }

    /// What a script in the page comes to; promises are waited for.
    pub async fn evaluate<T: DeserializeOwned>(&self, script: &str) -> T {
        let value = self.try_evaluate(script).await.unwrap_or_else(|why| panic!("{script}\n  {why}"));
        serde_json::from_value(value.clone()).unwrap_or_else(|why| panic!("{script}\n  {why}: {value}"))
    }

    async fn try_evaluate(&self, script: &str) -> Result<Value, String> {
        let what = json!({"expression": script, "awaitPromise": true, "returnByValue": true, "userGesture": true});
        let mut result = self.chromium.ask(Some(&self.page.session), "Runtime.evaluate", what).await?;
        match result["exceptionDetails"]["exception"]["description"].as_str() {
            Some(thrown) => Err(thrown.to_owned()),
            None => Ok(result["result"]["value"].take()),
        }
    }

    /// Waits until a script in the page comes to something true.
    pub async fn wait(&self, what: &str, script: &str) {
        let what = format!("{what}, in the browser of {}", self.name);
        until_async(&what, async || {
            // A page that is being left answers nothing.
            let answer = self.try_evaluate(script).await.unwrap_or_default();
            (answer != Value::Null && answer != Value::Bool(false) && answer != "").then_some(())
        })
        .await;
    }

    /// Waits until what has changed by now is painted.
    pub async fn frame(&self) {
        let painted = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))";
        self.evaluate::<bool>(painted).await;
    }

    /// Has Chromium do something with this page.
    async fn ask(&self, method: &str, parameters: Value) -> Value {
        let answer = self.chromium.ask(Some(&self.page.session), method, parameters).await;
        answer.unwrap_or_else(|why| panic!("the browser of {}: {why}", self.name))
    }

    /// No more is told of the connections of the page: what is measured is not to be slowed.
    pub async fn hear_nothing(&self) {
        self.ask("Network.disable", json!({})).await;
    }

    /// What is on the screen, as PNG.
    pub async fn picture(&self) -> Vec<u8> {
        let picture = self.ask("Page.captureScreenshot", json!({"format": "png"})).await;
        STANDARD.decode(text(&picture, "data")).expect("base64")
    }

    /// What pages asked before they were left.
    pub fn questions(&self) -> Vec<String> {
        self.notes.iter().flat_map(|notes| locked(notes).questions.clone()).collect()
    }

    /// Whether all went well so far: no uncaught error, nothing that the policy of the pages forbids.
    pub fn conclude(&self) {
        for notes in &self.notes {
            let complaints = &locked(notes).complaints;
            assert!(complaints.is_empty(), "in the browser of {}:\n{}", self.name, complaints.join("\n"));
        }
    }

    /// For the report of a failure: the text of the page, its console, and where its picture is. Blocks.
    pub fn account(&self) -> String {
        let looking = async {
            let shown = self.try_evaluate("location.href + '\\n' + document.body.innerText").await;
            let picture = self.picture().await;
            (shown.unwrap_or_else(|why| why.into()), self.keep(&picture))
        };
        let looking = || tokio::runtime::Handle::current().block_on(looking);
        let (shown, picture) = tokio::task::block_in_place(looking);
        let told: String = self.notes.iter().map(|notes| locked(notes).account()).collect();
        format!(
            "{}\n  --- its console ---\n{told}  --- its picture: {} ---\n",
            shown.as_str().unwrap_or_default(),
            picture.display()
        )
    }

    fn keep(&self, picture: &[u8]) -> PathBuf {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{}.png", self.name, self.page.target));
        let _ = std::fs::write(&path, picture);
        path
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.chromium.tell(None, "Target.disposeBrowserContext", json!({"browserContextId": self.context}));
    }
}

async fn new_page(chromium: &Chromium, context: &str) -> (Page, Arc<Mutex<Notes>>) {
    let ask = async |session: Option<&str>, method: &str, parameters: Value| {
        in_time(method, chromium.ask(session, method, parameters)).await.expect("a page can be opened")
    };
    let (width, height) = DESK;
    let new = json!({"url": "about:blank", "browserContextId": context});
    let target = text(&ask(None, "Target.createTarget", new).await, "targetId");
    let attached = ask(None, "Target.attachToTarget", json!({"targetId": target, "flatten": true})).await;
    let session = text(&attached, "sessionId");
    let notes = chromium.listen(&session);
    for domain in ["Page.enable", "Runtime.enable", "Log.enable", "Network.enable"] {
        ask(Some(&session), domain, json!({})).await;
    }
    // As if each window were in front.
    ask(Some(&session), "Emulation.setFocusEmulationEnabled", json!({"enabled": true})).await;
    let page = Page { target, session };
    let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
    ask(Some(&page.session), "Emulation.setDeviceMetricsOverride", metrics).await;
    (page, notes)
}

fn text(answer: &Value, field: &str) -> String {
    answer[field].as_str().unwrap_or_else(|| panic!("Chromium tells no {field}: {answer}")).to_owned()
}
