//! Chromium, spoken to in its DevTools protocol (<https://chromedevtools.github.io/devtools-protocol/>).
//!
//! Owns the one process for all scenarios, and the way of commands and events. They go over a pipe, each message with
//! a zero byte behind it: Chromium ends by itself when nobody holds the other side any more.

use std::{
    collections::HashMap,
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::notes::Notes;
use crate::{examples::needs, scene::in_time};

/// Chromium reads from descriptor 3 and writes to 4.
const PIPED: &str = r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null"#;

/// No window, no sandbox (which needs more than tests have), nothing that Chromium does on its own account, and no
/// rest for pages that nobody looks at: each of them is before somebody.
const OPTIONS: [&str; 19] = [
    "--headless",
    "--remote-debugging-pipe",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-component-update",
    "--disable-background-networking",
    "--disable-sync",
    "--disable-breakpad",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--disable-ipc-flooding-protection",
    "--hide-scrollbars",
    "--mute-audio",
];

static SHARED: tokio::sync::Mutex<Option<Arc<Chromium>>> = tokio::sync::Mutex::const_new(None);

/// A running Chromium.
pub struct Chromium {
    process: Mutex<Child>,
    profile: TempDir,
    wire: Arc<Wire>,
}

/// What both the commands and the reader of answers hold.
struct Wire {
    commands: Mutex<ChildStdin>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    last_id: u64,
    /// Commands that are not answered.
    waiting: HashMap<u64, oneshot::Sender<Result<Value, String>>>,
    /// What pages have told of themselves, by the session.
    pages: HashMap<String, Arc<Mutex<Notes>>>,
}

impl Chromium {
    /// The one of all scenarios; it is started for the first. Ends the step if there is none on this machine.
    pub async fn shared() -> Arc<Self> {
        let mut shared = SHARED.lock().await;
        if let Some(chromium) = &*shared {
            return Arc::clone(chromium);
        }
        needs::check(&["chromium".to_owned()]).await;
        let started = Arc::new(Self::start());
        *shared = Some(Arc::clone(&started));
        started
    }

    /// Ends the one of all scenarios, if there is one.
    pub fn end_shared() {
        if let Some(chromium) = SHARED.blocking_lock().take() {
            let mut process = locked(&chromium.process);
            let _ = process.kill();
            let _ = process.wait();
            let _ = std::fs::remove_dir_all(chromium.profile.path());
        }
    }

    fn start() -> Self {
        let profile = tempfile::Builder::new().prefix("widgetapp-chromium-").tempdir().expect("a temporary directory");
        let mut command = Command::new("sh");
        command.args(["-c", PIPED, "chromium"]).args(OPTIONS);
        command.arg(format!("--user-data-dir={}", profile.path().display())).arg("about:blank");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().expect("Chromium runs");
        let (stdin, stdout) = (process.stdin.take(), process.stdout.take());
        let commands = Mutex::new(stdin.expect("its input is piped"));
        let wire = Arc::new(Wire { commands, known: Mutex::default() });
        let (reading, stdout) = (Arc::clone(&wire), stdout.expect("its output is piped"));
        std::thread::spawn(move || reading.read(stdout));
        Self { process: Mutex::new(process), profile, wire }
    }

    /// Has something done, by the browser or by a page, and waits for the answer.
    pub async fn ask(&self, session: Option<&str>, method: &str, parameters: Value) -> Result<Value, String> {
        let (answer, answered) = oneshot::channel();
        self.wire.send(session, method, parameters, Some(answer));
        match in_time(method, answered).await {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(why)) => Err(format!("{method}: {why}")),
            Err(_) => Err(format!("{method}: Chromium has ended")),
        }
    }

    /// The same without waiting.
    pub fn tell(&self, session: Option<&str>, method: &str, parameters: Value) {
        self.wire.send(session, method, parameters, None);
    }

    /// What this page tells of itself from now on.
    pub fn listen(&self, session: &str) -> Arc<Mutex<Notes>> {
        let notes = Arc::<Mutex<Notes>>::default();
        locked(&self.wire.known).pages.insert(session.to_owned(), Arc::clone(&notes));
        notes
    }
}

impl Wire {
    fn send(
        &self,
        session: Option<&str>,
        method: &str,
        parameters: Value,
        answer: Option<oneshot::Sender<Result<Value, String>>>,
    ) {
        let id = {
            let mut known = locked(&self.known);
            known.last_id += 1;
            let id = known.last_id;
            answer.into_iter().for_each(|answer| drop(known.waiting.insert(id, answer)));
            id
        };
        let mut command = json!({"id": id, "method": method, "params": parameters});
        if let Some(session) = session {
            command["sessionId"] = session.into();
        }
        let mut line = command.to_string().into_bytes();
        line.push(0);
        if locked(&self.commands).write_all(&line).is_err() {
            locked(&self.known).waiting.clear();
        }
    }

    fn read(&self, stdout: ChildStdout) {
        let mut stdout = BufReader::new(stdout);
        let mut message = Vec::new();
        while stdout.read_until(0, &mut message).is_ok_and(|read| read > 0) {
            message.pop();
            if let Ok(message) = serde_json::from_slice::<Value>(&message) {
                self.take(message);
            }
            message.clear();
        }
        // Nobody is to wait for an answer that cannot come.
        locked(&self.known).waiting.clear();
    }

    fn take(&self, mut message: Value) {
        let session = message["sessionId"].as_str();
        if let Some(method) = message["method"].as_str() {
            if method == "Page.javascriptDialogOpening" {
                self.send(session, "Page.handleJavaScriptDialog", json!({"accept": true}), None);
            }
            let notes = session.and_then(|session| locked(&self.known).pages.get(session).cloned());
            notes.inspect(|notes| locked(notes).take(method, &message["params"]));
            return;
        }
        let waiting = message["id"].as_u64().and_then(|id| locked(&self.known).waiting.remove(&id));
        let error = message["error"]["message"].as_str().map(str::to_owned);
        let answer = error.map_or_else(|| Ok(message["result"].take()), Err);
        // Whoever has given up waiting does not want it.
        waiting.map(|waiting| waiting.send(answer));
    }
}

pub fn locked<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}
