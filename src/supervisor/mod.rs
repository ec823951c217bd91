//! The `widgetapp` process: starts, watches and restarts the others, and holds the listening sockets,
//! so that connections wait rather than fail while `_wfe` is replaced.
//!
//! It makes the links between the processes and gives each side its end. It touches no client data and
//! knows no service.
//!
//! | module | what it is |
//! |---|---|
//! | [`admin`] | the administrator's socket: questions and answers |
//! | `status` | the lines of `-status` |
//! | `watch` | what happens to the processes, and what follows from it |
//! | `answers` | carries out what the administrator asks for |
//! | `processes`, `child` | the processes that run, their links, and one of them |
//! | `scaling` | pure: how many instances of the SFE there should be |
//! | `restart_policy` | pure: when a process that has died is started again |
//! | `silence` | pure: when a process hangs |
//! | `orders` | pure: the steps of an order |
//! | `measure` | what the processes take, and which of them are rogue |
//! | [`figures`], `scrape` | the metrics of the processes, and where all metrics are read |
//! | `systemd` | what the service manager is told |
//! | `data_directory` | one server at a time |

pub mod admin;
mod answers;
mod child;
mod data_directory;
pub mod figures;
pub mod measure;
mod orders;
mod processes;
mod restart_policy;
mod scaling;
mod scrape;
mod silence;
mod status;
mod systemd;
mod watch;

use std::{io, net::TcpListener, os::fd::OwnedFd, time::Duration};

use anyhow::{Context, anyhow, bail};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc,
    time::MissedTickBehavior,
};

pub use self::watch::STOP_WITHIN;
use self::{
    admin::Asked,
    processes::{Kit, Processes},
    systemd::ServiceManager,
    watch::Supervisor,
};
use crate::{clock, config::Settings};

/// How long a port may be in use before that is an error.
const PORT_FREE_WITHIN: Duration = Duration::from_secs(1);
/// How long the start may take before it is given up.
const START_WITHIN: Duration = Duration::from_secs(60);
/// Whether a process hangs, and whether there are too many instances, is looked at this often.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Runs the server until it is told to stop.
///
/// # Errors
/// It cannot start; the message says why and what to do.
pub async fn run(settings: Settings) -> anyhow::Result<()> {
    let config = &settings.config;
    let _lock = data_directory::claim(&config.server.data)?;
    let mut listeners = Vec::new();
    for address in &config.server.listen {
        listeners.push(bind(address, "--listen ").await?);
    }
    let scheme = if config.server.tls_cert.is_some() { "https" } else { "http" };
    let bound = listeners.iter().map(TcpListener::local_addr).collect::<io::Result<Vec<_>>>()?;
    let urls: Vec<String> = bound.iter().map(|address| format!("{scheme}://{address}")).collect();
    let first = urls.first().context("there is no address to listen on")?;
    let url = config.server.public_url.clone().unwrap_or_else(|| first.clone());
    if config.server.echo && !bound.iter().all(|address| address.ip().is_loopback()) {
        bail!("--echo takes no token, so it works on a loopback address only, such as --listen 127.0.0.1:8080");
    }
    let (asked, mut questions) = mpsc::channel(16);
    let metrics_url = match &config.metrics.listen {
        Some(address) => {
            let listener = bind(address, "metrics.listen = ").await?;
            let url = format!("http://{}/metrics", listener.local_addr()?);
            scrape::listen(listener, asked.clone())?;
            Some(url)
        }
        None => None,
    };
    admin::listen(&config.server.data, asked)?;
    let (events, mut happened) = mpsc::unbounded_channel();
    let kit = Kit {
        program: std::env::current_exe().context("cannot find the program itself")?,
        settings: serde_json::to_string(config)?,
        url,
        listeners: listeners.into_iter().map(OwnedFd::from).collect(),
    };
    let mut supervisor = Supervisor::start(Processes::new(kit, events), settings)?;
    let mut told_to_stop = [signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?];
    let give_up = clock::now() + START_WITHIN;
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let service_manager = ServiceManager::of_process();
    let wants_life_every = service_manager.wants_life_every;
    let mut life = tokio::time::interval_at((clock::now() + wants_life_every).into(), wants_life_every);
    let mut announced = false;
    loop {
        tokio::select! {
            Some(event) = happened.recv() => supervisor.handle(event, announced)?,
            Some(question) = questions.recv() => supervisor.answer(question),
            _ = look.tick() => supervisor.look(),
            _ = life.tick(), if announced => {
                if supervisor.wfe_answers() {
                    service_manager.alive();
                }
            }
            () = any(&mut told_to_stop) => break,
            () = tokio::time::sleep_until(give_up.into()), if !announced => bail!("the server did not start within {START_WITHIN:?}"),
        }
        if !announced && supervisor.all_ready() {
            announced = true;
            announce(&urls, metrics_url.as_deref());
            service_manager.ready(&urls.join(", "));
        }
    }
    service_manager.stopping();
    tokio::select! {
        () = supervisor.stop(&mut happened) => {}
        () = refuse(&mut questions) => {}
        () = any(&mut told_to_stop) => {}
    }
    supervisor.kill_all(&mut happened).await;
    Ok(())
}

/// Says that the server is ready, with a line for each of its addresses.
fn announce(urls: &[String], metrics_url: Option<&str>) {
    use std::io::Write as _;
    let mut out = io::stdout();
    let metrics = metrics_url.map(|url| format!("metrics at {url}"));
    // Those who wait for the server wait for its addresses, so these come last.
    for line in metrics.into_iter().chain(urls.iter().map(|url| format!("listening on {url}"))) {
        // Whoever started the server may have stopped listening to it.
        let _ = writeln!(out, "{line}").and_then(|()| out.flush());
    }
}

/// Waits for one of the two.
async fn any([one, other]: &mut [Signal; 2]) {
    tokio::select! {
        _ = one.recv() => {}
        _ = other.recv() => {}
    }
}

/// Answers whatever is asked while the server stops.
async fn refuse(questions: &mut mpsc::Receiver<Asked>) {
    while let Some(Asked { reply, .. }) = questions.recv().await {
        let _ = reply.send(Err(admin::STOPPING.into()));
    }
}

/// Waits for the processes of a killed server, which hold its port until they have ended, too. An error says with
/// which setting another port is chosen.
async fn bind(address: &str, setting: &str) -> anyhow::Result<TcpListener> {
    let give_up = clock::now() + PORT_FREE_WITHIN;
    let bound = loop {
        match TcpListener::bind(address) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && clock::now() < give_up => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            bound => break bound,
        }
    };
    let listener = bound.map_err(|error| match address.rsplit_once(':') {
        Some((host, _)) if error.kind() == io::ErrorKind::AddrInUse => {
            anyhow!(
                "cannot listen on {address}: another program uses this port; choose another with \
                 {setting}{host}:PORT (0 picks a free one)"
            )
        }
        _ => anyhow!("cannot listen on {address}: {error}"),
    })?;
    // The standard library asks for a queue of 128, too short for all clients that come back at once.
    rustix::net::listen(&listener, 4096)?;
    Ok(listener)
}
