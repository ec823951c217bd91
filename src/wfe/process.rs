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
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use serde_json::Value;
use tokio::{
    net::TcpListener,
    runtime::Runtime,
    sync::{mpsc, watch},
};
use tokio_rustls::TlsAcceptor;

use super::{
    App, Demo, Ready, Tokens,
    connections::Connections,
    handover::{Handovers, Passenger},
    links::Links,
    problem, router,
    sessions::Sessions,
};
use crate::{
    access::Principal,
    config::{Config, Durability},
    ipc::{
        ProcessId,
        control::{AdminRequest, Command, Commands, Control, LinkEnd, Report, Start},
        messages::WfeDown,
    },
    log::{self, SqliteLog},
    open_things::OpenThings,
    protocol::{
        CloseCode, ErrorBody, ErrorCode, ThingId,
        action::{Action, Created},
    },
    services::{Services, useraction::UserActions},
    store::{Group, Store},
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
    let config = Arc::new(config);
    let data = config.server.data.clone();
    let store = Store::open(&data).with_context(|| format!("cannot use store.db in {}", data.display()))?;
    let durability = match config.log.durability {
        Durability::Fsync => log::Durability::Fsync,
        Durability::Os => log::Durability::Os,
    };
    let path = data.join("log.db");
    let log = SqliteLog::open(&path, durability).with_context(|| format!("cannot use {}", path.display()))?;
    let listeners: Vec<StdListener> = listeners.into_iter().map(StdListener::from).collect();
    let bound = listeners.iter().map(StdListener::local_addr).collect::<Result<Vec<SocketAddr>, _>>()?;
    let (services, mut calls) = Services::new();
    let ready = Ready::default();
    let app = App::new(config.clone(), store.clone(), services.clone(), &bound, ready.clone())?;
    let links = live_side(&config, &store, Arc::new(log), app.tokens().clone());
    let actions = links.actions.clone();
    tokio::task::spawn_local(async move {
        while let Some(call) = calls.recv().await {
            actions.http(call);
        }
    });
    if config.server.demo && !config.server.echo {
        Demo::set_up(&store, app.passwords(), &data, app.base_url(), create_with(&services)).await?;
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
                let end = LinkEnd::from_sockets(sockets)?;
                let ProcessId::Sfe(sfe) = link.peer else { continue };
                let (links, control) = (links.clone(), control.clone());
                tokio::task::spawn_local(async move {
                    let over = links.follow(sfe, link.number, end).await;
                    tracing::debug!(sfe, ?over, "a link is over");
                    // Without a supervisor this process ends anyway.
                    let _ = control.report(&Report::LinkLost(link)).await;
                });
            }
            Command::Ask(request) => control.report(&Report::Answer(answer(&store, &links.sessions, request))).await?,
            Command::Drain => break,
            Command::Start { .. } => {}
        }
    }
    ready.set(false);
    http.finish().await;
    links.actions.finish().await;
    Ok(())
}

fn live_side(config: &Config, store: &Store, log: Arc<SqliteLog>, tokens: Tokens) -> Rc<Links> {
    let sessions = Rc::new(Sessions::default());
    let handovers = Rc::new(Handovers::new(sessions.clone()));
    tokio::task::spawn_local(handovers.clone().watch());
    let idle = Duration::from_secs(config.things.idle_seconds);
    let things = Rc::new(OpenThings::new(log.clone(), idle));
    let actions = UserActions::start(store.clone(), log, things, sessions.clone());
    Rc::new(Links { handovers, sessions, actions, tokens })
}

/// How the demonstration makes its Thing: as anyone would.
fn create_with(services: &Services) -> impl AsyncFn(&Principal, &str, Value) -> Result<ThingId, ErrorBody> {
    let services = services.clone();
    async move |owner: &Principal, title: &str, content: Value| {
        let body = serde_json::json!({ "title": title, "content": content });
        let created = services.call(owner, Action::Create, None, body).await?;
        let created: Created = serde_json::from_value(created).map_err(|_| ErrorCode::Internal)?;
        created.thing.parse().map_err(|_| ErrorCode::Internal.into())
    }
}

/// Answers what the administrator asks.
fn answer(store: &Store, sessions: &Sessions, request: AdminRequest) -> Result<Vec<String>, String> {
    let shown = |error: crate::store::StoreError| error.to_string();
    match request {
        AdminRequest::Groups => {
            let groups = store.groups().map_err(shown)?;
            let longest = |text: fn(&Group) -> &str| groups.iter().map(|group| text(group).len()).max().unwrap_or(0);
            let (name, organisation) = (longest(|group| &group.name), longest(|group| &group.organisation));
            let line = |group: &Group| {
                let state = if group.approved { "approved" } else { "not approved" };
                format!("{:name$}  {:organisation$}  {state}", group.name, group.organisation)
            };
            Ok(groups.iter().map(line).collect())
        }
        AdminRequest::Approve { group, approved } => {
            store.set_approved(&group, approved).map_err(shown)?;
            let ended = if approved { 0 } else { end_unapproved(store, sessions) };
            let ended = match ended {
                1 => "1 connection was ended".to_owned(),
                ended => format!("{ended} connections were ended"),
            };
            Ok(vec![match approved {
                true => format!("{group} is approved for streaming"),
                false => format!("{group} is not approved for streaming any more; {ended}"),
            }])
        }
    }
}

/// Ends the streams of everyone who is in no approved group any more.
fn end_unapproved(store: &Store, sessions: &Sessions) -> usize {
    // A principal about whom the store cannot answer has no proven right to stay.
    let lost = |who: &Principal| !store.streaming_approved(who).unwrap_or(false);
    let principals: Vec<Principal> = sessions.principals().into_iter().filter(lost).collect();
    let mut ended = 0;
    for (link, of_link) in sessions.of(&principals, None) {
        for session in of_link {
            let code = CloseCode::ApprovalWithdrawn;
            link.send(&WfeDown::Close { session, code: code.number(), reason: code.message().into() });
            ended += 1;
        }
    }
    ended
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

fn tls(certificate: &Path, key: &Path) -> anyhow::Result<TlsAcceptor> {
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
