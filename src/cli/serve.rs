//! `widgetapp serve`, which `widgetapp` alone means too.

use std::{any::Any, panic::AssertUnwindSafe, path::PathBuf};

use anyhow::{Context as _, anyhow};
use clap::Args;
use futures_util::FutureExt as _;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{runtime::Builder, task::LocalSet};

use crate::{
    config::{Flag, Settings, Sources},
    supervisor::{
        self,
        upgrade::{FORMAT, Left},
    },
    telemetry,
};

/// Runs the server.
#[derive(Args, Debug, Default)]
pub struct Serve {
    /// Address to listen on; may be repeated. Port 0 picks a free one. [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    listen: Vec<String>,
    /// Where everything is kept. [default: widgetapp-data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The configuration file. [default: widgetapp.toml, if it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Certificate chain (PEM); with it the server speaks TLS.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Private key of the certificate (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// The folder into which the guides were built; with it they are served at `/guide/`.
    #[arg(long, value_name = "DIR")]
    guides: Option<PathBuf>,
    /// Do not set up the demonstration on an empty data directory.
    #[arg(long)]
    no_demo: bool,
    /// For conformance suites: streams take no token and return every frame. Loopback addresses only.
    #[arg(long)]
    echo: bool,
    /// Take over from the program that this process ran before; in which format it describes what it has kept.
    #[arg(long, hide = true, require_equals = true, value_parser = clap::value_parser!(u16).range(..=i64::from(FORMAT)))]
    pub(super) take_over: Option<u16>,
    /// The next program could not go on, and why: this one does.
    #[arg(long, hide = true, require_equals = true, value_name = "WHY")]
    take_over_failed: Option<String>,
}

impl Serve {
    /// Runs until the server is told to stop.
    ///
    /// # Errors
    /// It cannot start.
    pub fn run(self) -> anyhow::Result<()> {
        // The kernel ends a process together with the thread that started it, so everything that starts
        // processes runs on this thread, the program's first.
        let runtime = Builder::new_current_thread().enable_all().build()?;
        LocalSet::new().block_on(&runtime, async {
            if self.take_over.is_none() {
                return self.start(&mut None).await;
            }
            let left = Left::receive(self.take_over_failed.clone()).await;
            let mut left = Some(left.context("cannot take over from the program before")?);
            let ended = AssertUnwindSafe(self.start(&mut left)).catch_unwind().await;
            let ended = ended.unwrap_or_else(|panic| Err(anyhow!("it panicked: {}", text_of(&*panic))));
            match (ended, left) {
                // It has not begun yet.
                (Err(why), Some(left)) => Err(match left.go_back(&format!("{why:#}")) {
                    Some(error) => why.context(format!("the program before cannot go on: {error}")),
                    None => why,
                }),
                (ended, _) => ended,
            }
        })
    }

    async fn start(self, left: &mut Option<Left>) -> anyhow::Result<()> {
        let settings = match left.as_ref().and_then(Left::settings) {
            Some(settings) => settings,
            None => Settings::load(&self.sources())?,
        };
        telemetry::start(settings.config.logging.format, "widgetapp");
        open_as_many_files_as_permitted();
        supervisor::run(settings, left).await
    }

    /// What the server reads its settings from.
    pub(super) fn sources(self) -> Sources {
        Sources::of_process(self.config.clone(), self.flags())
    }

    fn flags(self) -> Vec<Flag> {
        let mut flags = Vec::new();
        if !self.listen.is_empty() {
            flags.push(Flag::new("--listen", "server.listen", self.listen));
        }
        let paths = [
            ("--data", "server.data", self.data),
            ("--tls-cert", "server.tls_cert", self.tls_cert),
            ("--tls-key", "server.tls_key", self.tls_key),
            ("--guides", "http.guides", self.guides),
        ];
        for (name, key, path) in paths {
            if let Some(path) = path {
                flags.push(Flag::new(name, key, path.to_string_lossy().into_owned()));
            }
        }
        if self.no_demo {
            flags.push(Flag::new("--no-demo", "server.demo", false));
        }
        if self.echo {
            flags.push(Flag::new("--echo", "server.echo", true));
        }
        flags
    }
}

/// Each connection is an open file, and shells permit few of them unless one asks for more. The other processes have
/// the limit of the one that starts them.
fn open_as_many_files_as_permitted() {
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }) {
        tracing::debug!(%error, "no more files may be open than before");
    }
}

/// What a panic says.
fn text_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a text")
}
