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
//! | `holdings`, `data_directory` | what the server holds as long as it runs: its sockets, the claim on its data |
//! | [`upgrade`] | replaces the program while the server runs |

pub mod admin;
mod answers;
mod child;
mod data_directory;
pub mod figures;
mod holdings;
pub mod measure;
mod orders;
mod processes;
mod restart_policy;
mod scaling;
mod scrape;
mod silence;
mod status;
mod systemd;
pub mod upgrade;
mod watch;

use std::{
    io::{self, IsTerminal as _},
    rc::Rc,
    time::Duration,
};

use anyhow::{Context, bail};
use futures_util::FutureExt as _;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc,
    time::MissedTickBehavior,
};

pub use self::watch::STOP_WITHIN;
use self::{
    admin::{Asked, Door},
    child::Event,
    holdings::Holdings,
    processes::{Kit, Processes},
    systemd::ServiceManager,
    upgrade::{Left, Next},
    watch::Supervisor,
};
use crate::{clock, config::Settings};

/// How long the start may take before it is given up.
const START_WITHIN: Duration = Duration::from_secs(60);
/// Whether a process hangs, and whether there are too many instances, is looked at this often.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How long a signal that is held back from now on may still have been on its way.
const SIGNAL_WITHIN: Duration = Duration::from_millis(1);

/// Runs the server until it is told to stop. What is `left`, another program has left that this process has run until
/// now; when it is not there any more, this one goes on with it.
///
/// # Errors
/// It cannot start; the message says why and what to do.
pub async fn run(settings: Settings, left: &mut Option<Left>) -> anyhow::Result<()> {
    let config = &settings.config;
    let mut told_to_stop = [signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?];
    let mut hang_up = signal(SignalKind::hangup())?;
    upgrade::release_signals()?;
    let before = match &left {
        Some(left) => Some(upgrade::take_over(config, left).context("cannot take over from the program before")?),
        None => None,
    };
    let (holdings, mut kept, mut upgraded) = match before {
        Some(before) => (before.holdings, before.kept, Some((before.version, before.reply))),
        None => (Holdings::open(config).await?, None, None),
    };
    let (holdings, has_kept) = (Rc::new(holdings), kept.is_some());
    let scheme = if config.server.tls_cert.is_some() { "https" } else { "http" };
    let bound = holdings.addresses()?;
    let urls: Vec<String> = bound.iter().map(|address| format!("{scheme}://{address}")).collect();
    let first = urls.first().context("there is no address to listen on")?;
    let url = config.server.public_url.clone().unwrap_or_else(|| first.clone());
    if config.server.echo && !bound.iter().all(|address| address.ip().is_loopback()) {
        bail!("--echo takes no token, so it works on a loopback address only, such as --listen 127.0.0.1:8080");
    }
    let (asked, mut questions) = mpsc::channel(16);
    let metrics_url = match &holdings.metrics {
        Some(listener) => {
            scrape::listen(listener, asked.clone())?;
            Some(format!("http://{}/metrics", listener.local_addr()?))
        }
        None => None,
    };
    let mut door = Door::open(&holdings.admin, asked.clone())?;
    let (events, mut happened) = mpsc::unbounded_channel();
    let kit = Kit { settings: serde_json::to_string(config)?, url, holdings: holdings.clone() };
    let processes = Processes::new(kit, events);
    let mut supervisor = match kept.take() {
        Some(kept) => Supervisor::go_on(processes, settings, kept)?,
        None => Supervisor::start(processes, settings)?,
    };
    let takes_over = left.take().is_some();
    let at_terminal = io::stdin().is_terminal();
    let give_up = clock::now() + START_WITHIN;
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let service_manager = ServiceManager::of_process();
    if takes_over {
        // The last sign of life was given by the program before, perhaps long ago.
        service_manager.alive();
    }
    let ready = || service_manager.ready(&urls.join(", "));
    let wants_life_every = service_manager.wants_life_every;
    let mut life = tokio::time::interval_at((clock::now() + wants_life_every).into(), wants_life_every);
    // Who has kept its processes has started long ago.
    let mut announced = has_kept;
    loop {
        tokio::select! {
            Some(event) = happened.recv() => supervisor.handle(event, announced)?,
            Some(question) = questions.recv() => supervisor.answer(question, announced),
            _ = look.tick() => {
                supervisor.look();
                let mut next = supervisor.next_of_upgrade(door.is_quiet());
                if next == Next::HandOver {
                    next = hand_over(&mut supervisor, &holdings, &mut happened, &mut told_to_stop).await?;
                }
                match next {
                    Next::Wait | Next::HandOver => {}
                    Next::Settle => {
                        service_manager.reloading();
                        service_manager.alive();
                        door.close();
                    }
                    Next::GoOn => {
                        door = Door::open(&holdings.admin, asked.clone())?;
                        ready();
                    }
                    Next::Stop => break,
                }
            }
            _ = life.tick(), if announced => {
                if supervisor.wfe_answers() {
                    service_manager.alive();
                }
            }
            _ = hang_up.recv() => {
                if at_terminal && !io::stdin().is_terminal() {
                    // The terminal was closed.
                    break;
                }
                supervisor.answer(upgrade::asked_by_signal(), announced);
            }
            () = any(&mut told_to_stop) => break,
            () = tokio::time::sleep_until(give_up.into()), if !announced => bail!("the server did not start within {START_WITHIN:?}"),
        }
        if !announced && supervisor.all_ready() {
            announced = true;
            if upgraded.is_none() {
                announce(&urls, metrics_url.as_deref());
            }
            ready();
        }
        if announced && let Some((before, reply)) = upgraded.take() {
            match before {
                Ok(version) => supervisor.renew(&version, reply, has_kept),
                Err(why) => upgrade::has_come_back(&why, reply, has_kept),
            }
            ready();
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

/// Lets the new program take over; returns what comes next if it has not done so.
///
/// # Errors
/// The new program cannot be executed, and no process is left to go on with.
async fn hand_over(
    supervisor: &mut Supervisor,
    holdings: &Holdings,
    happened: &mut mpsc::UnboundedReceiver<Event>,
    told_to_stop: &mut [Signal; 2],
) -> anyhow::Result<Next> {
    let keeps_processes = supervisor.keeps_processes();
    if !keeps_processes {
        tracing::warn!("the processes of the new program do not understand those of this one: all of them end");
        supervisor.stop(happened).await;
        supervisor.kill_all(happened).await;
    }
    upgrade::hold_signals()?;
    // One that came before that is heard now.
    tokio::time::sleep(SIGNAL_WITHIN).await;
    let next = if any(told_to_stop).now_or_never().is_some() {
        Next::Stop
    } else if !keeps_processes {
        bail!(supervisor.hand_over(holdings))
    } else if happened.is_empty() && supervisor.is_quiet() {
        let why = supervisor.hand_over(holdings);
        supervisor.give_up_upgrade(why);
        Next::GoOn
    } else {
        // What has happened just now would be forgotten.
        Next::Wait
    };
    upgrade::release_signals()?;
    Ok(next)
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
