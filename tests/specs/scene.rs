//! What a scenario knows.

use std::{collections::BTreeMap, fmt, path::PathBuf, sync::Arc, time::Duration};

use serde_json::Value;
use tempfile::TempDir;
use tokio::{net::TcpStream, sync::SemaphorePermit};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::{
    application::Application,
    browser::{self, Browser},
    editor::Editor,
    listener::Listener,
    nginx::Nginx,
    person::Person,
    product::{FileSystem, Installation, PATIENCE, Product},
    program::Program,
    screen::Screen,
    steps::{service::ServiceManager, upgrading::AtTerminal},
    test_issuer::TestIssuer,
    web::Answer,
};

/// How often a condition is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// A bare WebSocket, perhaps over TLS.
pub type QuietStream = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// One scenario's world.
#[derive(Default, cucumber::World)]
pub struct Scene {
    product: Option<Arc<Product>>,
    /// The disk that the data are on, if they have one of their own.
    pub disk: Option<FileSystem>,
    /// Where the program is, if another one may take its place.
    pub installation: Option<Arc<Installation>>,
    /// A server that runs at a terminal.
    pub at_terminal: Option<AtTerminal>,
    /// Files of the scenario's own.
    pub folder: Option<TempDir>,
    /// The server's options, to start it again with.
    pub options: Vec<String>,
    /// Its environment variables.
    pub variables: Vec<(String, String)>,
    /// The certificate that it shows, as PEM, if it speaks TLS.
    pub certificate: Option<String>,
    /// The Thing that it is about, and where it stood when the scenario began with it.
    pub thing: String,
    /// See `thing`.
    pub epoch: String,
    /// See `thing`.
    pub offset: u64,
    /// People by name.
    pub people: BTreeMap<String, Person>,
    /// Their browsers, by the person's name.
    browsers: BTreeMap<String, Browser>,
    /// The leave to have browsers.
    room: Option<SemaphorePermit<'static>>,
    /// Programs by name.
    pub programs: BTreeMap<String, Program>,
    /// Programs that listen to server-sent events, by name.
    pub listeners: BTreeMap<String, Listener>,
    /// Editors built on Yjs, by name.
    pub editors: BTreeMap<String, Editor>,
    /// Yjs documents that programs have kept, by the program's name.
    pub documents: BTreeMap<String, yrs::Doc>,
    /// Programs that do not read, by name.
    pub sleepers: BTreeMap<String, TcpStream>,
    /// Clients that are connected and do nothing.
    pub crowd: Vec<TcpStream>,
    /// Applications that act for people, by name.
    pub applications: BTreeMap<String, Application>,
    /// The identity provider, and one that is none of ours.
    pub issuers: Vec<TestIssuer>,
    /// A token of it, or of the other WidgetApp.
    pub foreign: String,
    /// Another WidgetApp.
    pub other: Option<Arc<Product>>,
    /// Login cookies of people, by name.
    pub cookies: BTreeMap<String, String>,
    /// Whose browser an application has sent here last.
    pub visitor: String,
    /// The login cookie of the browser.
    pub cookie: Option<String>,
    /// The last HTTP answer.
    pub answer: Option<Answer>,
    /// Those to several questions that were asked at once.
    pub answers: Vec<Answer>,
    /// The last thing that somebody was told: the result of what they tried.
    pub told: Option<Result<Value, String>>,
    /// The last command's exit code, output and errors.
    pub command: Option<(i32, String, String)>,
    /// The last question about capacity, word by word.
    pub question: Vec<String>,
    /// The proxy in front.
    pub nginx: Option<Nginx>,
    /// The command that shows a picture at a terminal.
    pub screen: Option<Screen>,
    /// A stream on which a program says nothing.
    pub quiet: Option<QuietStream>,
    /// Who has started the server, if somebody asks for word of it.
    pub service_manager: ServiceManager,
    /// The file of the guide that it is about.
    pub page: PathBuf,
    /// Holds the lock of the log's file.
    pub lock: Option<rusqlite::Connection>,
    /// Connections on which nothing is asked.
    pub idle: Vec<std::net::TcpStream>,
    /// Processes noted earlier, by kind.
    pub pids: BTreeMap<String, u32>,
}

impl Scene {
    /// The running product.
    pub fn product(&self) -> Arc<Product> {
        Arc::clone(self.product.as_ref().expect("the feature says that WidgetApp is running"))
    }

    /// The address that people type: that of the proxy in front, if there is one.
    pub fn url(&self) -> String {
        self.nginx.as_ref().map_or_else(|| self.product().url().to_owned(), Nginx::url)
    }

    /// Starts the product with `self.options` and finds its Thing, if it has the demonstration.
    pub async fn start(&mut self) {
        let (options, variables) = (self.options.clone(), self.variables.clone());
        let installation = self.installation.clone();
        let start = move || {
            let options: Vec<&str> = options.iter().map(String::as_str).collect();
            let variables: Vec<_> = variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            match installation {
                Some(installation) => Product::start_installed(&installation, &options, &variables),
                None => Product::start_with_env(&options, &variables),
            }
        };
        let product = aside(start).await;
        if product.data().join("demo.json").exists() {
            self.thing = product.welcome();
        }
        self.product = Some(Arc::new(product));
    }

    /// Ends the product with a signal and starts it again on the same data, at the same address.
    pub async fn start_again(&mut self, signal: &'static str) {
        self.start_again_on(signal, |data| data).await;
    }

    /// The same on what `next` makes of the data.
    pub async fn start_again_on(
        &mut self,
        signal: &'static str,
        next: impl FnOnce(TempDir) -> TempDir + Send + 'static,
    ) {
        let mut product = self.product.take().and_then(Arc::into_inner).expect("nothing else holds the product");
        let options = self.options.clone();
        let again = move || {
            product.start_again_on(signal, &options.iter().map(String::as_str).collect::<Vec<_>>(), next);
            product
        };
        self.product = Some(Arc::new(aside(again).await));
    }

    /// Cuts the power of the disk that the data are on, and starts the product on what is left.
    pub async fn cut_power(&mut self) {
        let mut product = self.product.take().and_then(Arc::into_inner).expect("nothing else holds the product");
        let disk = self.disk.take().expect("the feature has given the data a disk of their own");
        let (product, disk) = aside(move || {
            disk.cut_power();
            product.kill_all();
            disk.come_back();
            product.start_again();
            (product, disk)
        })
        .await;
        (self.product, self.disk) = (Some(Arc::new(product)), Some(disk));
    }

    /// Ends the product for good with a signal; its exit code.
    pub async fn end(&mut self, signal: &'static str) -> Option<i32> {
        let mut product = self.product.take().and_then(Arc::into_inner).expect("nothing else holds the product");
        aside(move || product.end(signal)).await
    }

    /// Runs the admin command, and keeps what it said.
    pub async fn admin(&mut self, arguments: &[&str]) {
        let product = self.product();
        let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let run = move || product.admin(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        self.command = Some(aside(run).await);
    }

    /// The running processes of a kind: id and operating-system id.
    pub async fn processes(&self, kind: &str) -> Vec<(String, u32)> {
        let (product, kind) = (self.product(), kind.to_owned());
        aside(move || product.processes(&kind)).await
    }

    /// Someone who has connected.
    pub fn person(&self, name: &str) -> &Person {
        self.people.get(name).unwrap_or_else(|| panic!("the feature has not connected {name}"))
    }

    /// Somebody's browser, which is opened if they have none yet.
    pub async fn open_browser(&mut self, name: &str) -> &mut Browser {
        if self.room.is_none() {
            self.room = Some(browser::room().await);
        }
        if !self.browsers.contains_key(name) {
            self.browsers.insert(name.to_owned(), Browser::open(name).await);
        }
        self.browsers.get_mut(name).expect("it is there")
    }

    /// Somebody's browser.
    pub fn browser(&self, name: &str) -> &Browser {
        self.browsers.get(name).unwrap_or_else(|| panic!("the feature has opened no browser for {name}"))
    }

    /// A program that has connected.
    pub fn program(&mut self, name: &str) -> &mut Program {
        self.programs.get_mut(name).unwrap_or_else(|| panic!("the feature has not connected \"{name}\""))
    }

    /// A program that listens.
    pub fn listener(&mut self, name: &str) -> &mut Listener {
        self.listeners.get_mut(name).unwrap_or_else(|| panic!("the feature has not let \"{name}\" listen"))
    }

    /// An editor.
    pub fn editor(&mut self, name: &str) -> &mut Editor {
        self.editors.get_mut(name).unwrap_or_else(|| panic!("the feature has not opened \"{name}\""))
    }

    /// An application.
    pub fn application(&mut self, name: &str) -> &mut Application {
        self.applications.get_mut(name).unwrap_or_else(|| panic!("the feature has not registered \"{name}\""))
    }

    /// The last HTTP answer.
    pub fn answer(&self) -> &Answer {
        self.answer.as_ref().expect("something was asked over HTTP")
    }

    /// The scenario is over: nothing may have come that the guides do not describe, and no page may have
    /// failed.
    pub fn conclude(&self) {
        self.programs.values().for_each(|program| drop(program.seen()));
        self.browsers.values().for_each(Browser::conclude);
    }

    /// What everyone has seen, and the server's log.
    pub fn account(&self) -> String {
        use fmt::Write as _;
        let mut account = String::new();
        for (name, person) in &self.people {
            let _ = write!(account, "  --- what {name} saw ---\n{}", person.account());
        }
        for (name, browser) in &self.browsers {
            let _ = write!(account, "  --- the page before {name} ---\n{}", browser.account());
        }
        for (name, program) in &self.programs {
            let _ = write!(account, "  --- what \"{name}\" saw ---\n{}", program.account());
        }
        if let Some(answer) = &self.answer {
            let _ = writeln!(account, "  --- the last HTTP answer ---\n{answer:?}");
        }
        if let Some(told) = &self.told {
            let _ = writeln!(account, "  --- what the last one to try was told ---\n{told:?}");
        }
        if let Some(command) = &self.command {
            let _ = writeln!(account, "  --- the last command ---\n{command:?}");
        }
        if let Some(product) = &self.product {
            let _ = writeln!(account, "  --- the server's log ---\n{}", product.log());
        }
        account
    }
}

impl fmt::Debug for Scene {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.account())
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        // Ending processes takes a moment, which the other scenarios need not wait for.
        let (product, other, disk) = (self.product.take(), self.other.take(), self.disk.take());
        if product.is_some() || other.is_some() {
            // In this order: a disk goes when nobody uses it any more.
            tokio::task::spawn_blocking(move || drop((product, other, disk)));
        }
    }
}

/// Does what blocks on a thread of its own.
pub async fn aside<T: Send + 'static>(blocking: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(blocking).await {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// Waits until `ask` has an answer; fails the step after [`PATIENCE`].
pub async fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    until_async(what, async || ask()).await
}

/// The same, where asking takes its time.
pub async fn until_async<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let asking = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    in_time(what, asking).await
}

/// Waits for something; fails the step after [`PATIENCE`].
pub async fn in_time<T>(what: &str, waiting: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, waiting).await {
        Ok(done) => done,
        Err(_) => panic!("not within {PATIENCE:?}: {what}"),
    }
}
