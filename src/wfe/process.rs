//! The `_wfe` process itself: puts the two sides together and runs them.
//!
//! They share nothing but channels. HTTP runs on threads of its own; the live side (Things, services,
//! links to the SFEs) on the process's first thread. So a hundred logins at once do not delay an edit.

use std::{
    io::Write as _,
    net::{SocketAddr, TcpListener as StdListener},
    path::Path,
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, bail};
use rustix::process::Signal;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use serde_json::Value;
use tokio::{
    net::TcpListener,
    runtime::Runtime,
    signal::unix::{SignalKind, signal},
    sync::{mpsc, watch},
};
use tokio_rustls::TlsAcceptor;

use super::{
    App, Demo, Ready, Verifier,
    administration::Administration,
    connections::Connections,
    handover::{Handovers, Passenger},
    links::Links,
    live_access::LiveAccess,
    organisation::{Answers, LiveSide},
    problem,
    recorder::Audit,
    router,
    sessions::Sessions,
};
use crate::{
    access::{self, Caller, Door, Principal},
    config::{Config, Durability},
    data,
    ipc::{
        ProcessId,
        control::{Command, Commands, Control, LinkEnd, Report, Start},
        load::{self, Load},
    },
    log::{self, SqliteLog},
    open_things::OpenThings,
    protocol::{
        ErrorBody, ErrorCode, ThingId,
        action::{Action, Created},
    },
    services::{Services, presence::Presence, useraction::UserActions},
    store::{Store, audit::Keep},
};

/// Connections that may be on their way from HTTP to the live side.
const MAX_PASSENGERS: usize = 4096;
/// How long requests may take that are under way when the server stops.
const FINISH_WITHIN: Duration = Duration::from_secs(4);

/// Runs the process until the supervisor ends or drains it.
///
/// # Errors
/// The data directory or the certificate cannot be used; the text says what to do.
pub async fn run(control: Control, mut commands: Commands, start: Start) -> anyhow::Result<()> {
    let Start { config, listeners, .. } = start;
    // A file that may not grow further is an error of that write, and not the end of this process.
    let _ignored = signal(SignalKind::from_raw(Signal::XFSZ.as_raw()))?;
    let config = Arc::new(config);
    let data = config.server.data.clone();
    data::demand_whole(&data)?;
    let store = Store::open(&data).with_context(|| format!("cannot use store.db in {}", data.display()))?;
    let durability = match config.log.durability {
        Durability::Fsync => log::Durability::Fsync,
        Durability::Os => log::Durability::Os,
    };
    let path = data.join(log::sqlite::FILE);
    let log = SqliteLog::open(&path, durability).with_context(|| format!("cannot use {}", path.display()))?;
    let listeners: Vec<StdListener> = listeners.into_iter().map(StdListener::from).collect();
    let bound = listeners.iter().map(StdListener::local_addr).collect::<Result<Vec<SocketAddr>, _>>()?;
    let (services, mut calls) = Services::new();
    let ready = Ready::default();
    let keep = Keep { days: config.audit.keep_days, rows: config.audit.keep_rows };
    let (audit, recorder) = Audit::new(store.clone(), keep);
    tokio::task::spawn_local(recorder.run());
    let (asking, looked) = LiveSide::new();
    let channels = (services.clone(), asking);
    let app = App::new(config.clone(), store.clone(), channels, &bound, ready.clone(), audit.clone())?;
    let links = live_side(&config, &store, Arc::new(log), app.verifier().clone(), audit.clone())?;
    let sessions = links.sessions.clone();
    let telling = move || Load { clients: u32::try_from(sessions.total()).unwrap_or(u32::MAX), ..Load::default() };
    tokio::task::spawn_local(load::tell(control.clone(), Rc::default(), telling));
    let actions = links.actions.clone();
    let administration = Rc::new(Administration { app: app.clone(), live_access: links.live_access.clone(), keep });
    let answers = Rc::new(Answers::new(administration.clone(), links.sessions.clone(), control.clone()));
    tokio::task::spawn_local(answers.clone().run(looked));
    let (questions, mut asked) = mpsc::unbounded_channel();
    let answering = control.clone();
    tokio::task::spawn_local(async move {
        // One after the other: the supervisor knows answers by their order.
        while let Some(question) = asked.recv().await {
            let answer = administration.answer(question).await;
            if answering.report(&Report::Answer(answer)).await.is_err() {
                return;
            }
        }
    });
    tokio::task::spawn_local(async move {
        while let Some(call) = calls.recv().await {
            actions.http(call);
        }
    });
    if config.server.demo && !config.server.echo {
        Demo::set_up(&store, app.passwords(), &data, app.base_url(), create_with(&store, &services)).await?;
    }
    let (passengers, mut arriving) = mpsc::channel(MAX_PASSENGERS);
    let handovers = links.handovers.clone();
    tokio::task::spawn_local(async move {
        while let Some(passenger) = arriving.recv().await {
            handovers.begin(passenger);
        }
    });
    let http = Http::start(&config, app, passengers, listeners)?;
    ready.set(true);
    control.report(&Report::Ready).await?;
    while let Some((command, sockets)) = commands.next().await? {
        match command {
            Command::Link(link) => {
                let ProcessId::Sfe(sfe) = link.peer else { continue };
                let (links, control) = (links.clone(), control.clone());
                let end = match LinkEnd::from_sockets(sockets) {
                    Ok(end) => end,
                    Err(error) => {
                        tokio::task::spawn_local(control.link_again(link, error));
                        continue;
                    }
                };
                tokio::task::spawn_local(async move {
                    let over = links.follow(sfe, link.number, end).await;
                    tracing::debug!(sfe, ?over, "a link is over");
                    // Without a supervisor this process ends anyway.
                    let _ = control.report(&Report::LinkLost(link)).await;
                });
            }
            Command::Instances(instances) => links.handovers.set_instances(&instances),
            Command::Status(lines) => answers.told(lines),
            Command::Ask(request) => drop(questions.send(request)),
            Command::Drain => break,
            Command::Start { .. } | Command::GiveWay => {}
        }
    }
    ready.set(false);
    http.finish().await;
    links.actions.finish().await;
    audit.finish().await;
    Ok(())
}

fn live_side(
    config: &Config,
    store: &Store,
    log: Arc<SqliteLog>,
    verifier: Verifier,
    audit: Audit,
) -> anyhow::Result<Rc<Links>> {
    let sessions = Rc::new(Sessions::default());
    let presence = Rc::new(Presence::new(sessions.clone()));
    tokio::task::spawn_local(presence.clone().keep_time());
    let live_access = LiveAccess::new(store.clone(), sessions.clone(), presence.clone(), config.server.echo);
    let live_access = Rc::new(live_access.context("another part of this process watches the store")?);
    tokio::task::spawn_local(live_access.clone().follow());
    let handovers = Rc::new(Handovers::new(sessions.clone()));
    tokio::task::spawn_local(handovers.clone().watch());
    let idle = Duration::from_secs(config.things.idle_seconds);
    let things = Rc::new(OpenThings::new(log.clone(), idle));
    let actions =
        UserActions::start(store.clone(), log, things, sessions.clone(), live_access.clone(), presence, audit);
    Ok(Rc::new(Links { handovers, sessions, live_access, actions, verifier }))
}

/// How the demonstration makes its Thing: as anyone would.
fn create_with(
    store: &Store,
    services: &Services,
) -> impl AsyncFn(&Principal, &str, Value) -> Result<ThingId, ErrorBody> {
    let (store, services) = (store.clone(), services.clone());
    async move |owner: &Principal, title: &str, content: Value| {
        let body = serde_json::json!({ "title": title, "content": content });
        let owner = Arc::new(Caller::this_once(owner.clone()));
        let permit = access::decide(&store, &owner, Door::Http, Action::Create, None)?;
        let created = services.call(permit, body).await?;
        let created: Created = serde_json::from_value(created).map_err(|_| ErrorCode::Internal)?;
        created.thing.parse().map_err(|_| ErrorCode::Internal.into())
    }
}

/// The HTTP side, on threads of its own.
struct Http {
    /// There until it is dropped.
    runtime: Option<Runtime>,
    draining: watch::Sender<bool>,
    /// Every listener and connection holds a sender; it closes with the last of them.
    busy: mpsc::Receiver<()>,
}

impl Http {
    fn start(
        config: &Config,
        app: App,
        passengers: mpsc::Sender<Passenger>,
        listeners: Vec<StdListener>,
    ) -> anyhow::Result<Self> {
        let tls = match (&config.server.tls_cert, &config.server.tls_key) {
            (Some(certificate), Some(key)) => Some(tls(certificate, key)?),
            _ => None,
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("http")
            .enable_all()
            .build()
            .context("cannot start the HTTP threads")?;
        if let Some(external) = app.verifier().external() {
            runtime.spawn(external.clone().keep_keys());
        }
        let (draining, told) = watch::channel(false);
        let (working, busy) = mpsc::channel(1);
        let header_timeout = Duration::from_secs(config.http.header_timeout_seconds);
        let connections = Connections::new(router(app), passengers, header_timeout, tls, told, working);
        for listener in listeners {
            listener.set_nonblocking(true)?;
            let _inside = runtime.enter();
            let listener = TcpListener::from_std(listener)?;
            runtime.spawn(connections.clone().accept(listener));
        }
        Ok(Self { runtime: Some(runtime), draining, busy })
    }

    /// Takes no more connections and waits for the requests that are under way.
    async fn finish(mut self) {
        let _ = self.draining.send(true);
        let _ = tokio::time::timeout(FINISH_WITHIN, self.busy.recv()).await;
    }
}

/// A runtime that is dropped in the usual way waits for its threads, which another runtime forbids.
impl Drop for Http {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// What speaks TLS with this certificate and its key.
///
/// # Errors
/// They cannot be used; the text names the file.
pub(crate) fn tls(certificate: &Path, key: &Path) -> anyhow::Result<TlsAcceptor> {
    let (shown, key_shown) = (certificate.display(), key.display());
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| format!("cannot read the certificate {shown} (PEM)"))?;
    if chain.is_empty() {
        bail!("there is no certificate in {shown}; it should begin with -----BEGIN CERTIFICATE-----");
    }
    let key =
        PrivateKeyDer::from_pem_file(key).with_context(|| format!("cannot read the private key {key_shown} (PEM)"))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut settings = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .with_context(|| format!("the certificate {shown} and the key {key_shown} do not belong together"))?;
    settings.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(settings)))
}

/// A refusal for a socket that speaks HTTP no more through hyper.
pub(super) fn raw_refusal(error: &ErrorBody) -> Vec<u8> {
    let body = serde_json::json!(problem::Document::new(error, http::StatusCode::SERVICE_UNAVAILABLE)).to_string();
    let mut answer = Vec::with_capacity(body.len() + 256);
    let seconds = error.retry_after_ms.unwrap_or(1000).div_ceil(1000);
    let _ = write!(
        answer,
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\nContent-Length: {}\r\n\
         Retry-After: {seconds}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n",
        body.len()
    );
    answer.extend_from_slice(body.as_bytes());
    answer
}
