//! The `_sfe` process: runs the sessions of the Streaming Front End, in four steps.
//!
//! 1. Accept the connection that WFE hands over ([`accept`]).
//! 2. Build the request context with the filter chain ([`filter_chain`], [`request_context`]).
//! 3. Split the stream by service ([`split`]).
//! 4. Attach each part to its service, and fan out what comes back ([`front`], [`fan_out`]).
//!
//! It keeps nothing that could not be told again by its `_stream`s and by WFE, so it may end at any
//! time. It knows neither the database nor the content of a Thing.

mod accept;
mod events;
mod fan_out;
mod filter_chain;
mod front;
mod request_context;
mod split;
mod yjs;

use std::{cell::RefCell, io, rc::Rc, time::Duration};

use self::{
    accept::Door,
    front::{Front, Terms},
};
use crate::{
    clock,
    config::Config,
    ipc::{
        ProcessId,
        control::{Command, Commands, Control, LinkEnd, Report},
        link, load,
        messages::{Handover, StreamDown, StreamUp, WfeDown, WfeUp},
        passing,
    },
    limiter::Rate,
};

/// Expiring tokens are looked for this often.
const TICK: Duration = Duration::from_secs(1);
/// How long an `_sfe` that gives way waits for the answers to what cannot be asked twice.
const ANSWERED_WITHIN: Duration = Duration::from_secs(2);
/// How long the last words of `_stream`s that have ended may take.
const FINISH_WITHIN: Duration = Duration::from_secs(1);

/// Runs the process until the supervisor ends or drains it.
///
/// # Errors
/// The channel to the supervisor broke.
pub async fn run(control: Control, mut commands: Commands, number: u16, config: &Config) -> io::Result<()> {
    let terms = Terms {
        rate: Rate { per_second: config.stream.requests_per_second, burst: config.stream.request_burst },
        max_things: config.stream.max_things,
    };
    let front = Rc::new(RefCell::new(Front::new(terms)));
    let door = Rc::new(Door::new(number, config, front.clone()));
    let (telling, changed) = (door.clone(), door.clients_changed.clone());
    tokio::task::spawn_local(load::tell(control.clone(), changed, move || telling.load()));
    control.report(&Report::Ready).await?;
    tokio::task::spawn_local(tick(front.clone()));
    while let Some((command, sockets)) = commands.next().await? {
        match command {
            Command::Link(link) => {
                let (door, control) = (door.clone(), control.clone());
                let end = match LinkEnd::from_sockets(sockets) {
                    Ok(end) => end,
                    Err(error) => {
                        tokio::task::spawn_local(control.link_again(link, error));
                        continue;
                    }
                };
                tokio::task::spawn_local(async move {
                    let over = match link.peer {
                        ProcessId::Stream(_, stream) => follow_stream(&door, stream, end).await,
                        _ => follow_wfe(&door, end).await,
                    };
                    tracing::debug!(peer = %link.peer, ?over, "a link is over");
                    // Without a supervisor this process ends anyway.
                    let _ = control.report(&Report::LinkLost(link)).await;
                });
            }
            Command::Drain => {
                finish(&front).await;
                return Ok(());
            }
            Command::GiveWay => {
                give_way(&front).await;
                return Ok(());
            }
            Command::Start { .. } | Command::Instances(_) | Command::Ask(_) | Command::Status(_) => {}
        }
    }
    Ok(())
}

/// The `_stream`s have ended before: WFE is told of the last sockets that reached them, and keeps no copies.
async fn finish(front: &RefCell<Front>) {
    let until = clock::now() + FINISH_WITHIN;
    while clock::now() < until && !front.borrow().streams.is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    front.borrow().flush_wfe();
}

/// A fresh process is there to take the `_stream`s over, and will ask again whatever is unanswered. What cannot be
/// asked twice is answered before; what comes now waits in the `_stream`s.
async fn give_way(front: &RefCell<Front>) {
    front.borrow_mut().stop_taking();
    let until = clock::now() + ANSWERED_WITHIN;
    while clock::now() < until && !front.borrow().settle() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn tick(front: Rc<RefCell<Front>>) {
    loop {
        tokio::time::sleep(TICK).await;
        front.borrow_mut().tick(clock::unix_seconds());
    }
}

/// Serves a link to a `_stream` until it ends.
async fn follow_stream(door: &Door, stream: u16, end: LinkEnd) -> io::Result<()> {
    let (sender, mut receiver) = link::open::<StreamDown, StreamUp>(end.messages)?;
    let (mut messages, mut held, mut attached) = (Vec::new(), Vec::new(), false);
    let over = loop {
        if let Err(error) = receiver.receive(&mut messages).await {
            break Err(error);
        }
        let now = clock::now();
        for message in messages.drain(..) {
            match message {
                StreamUp::Held(session) if !attached => held.push(session),
                StreamUp::AllHeld if !attached => {
                    attached = true;
                    door.lose_stream(stream);
                    door.front.borrow_mut().attach_stream(stream, sender.clone(), std::mem::take(&mut held), now);
                    door.open_stream(stream, &end.sockets)?;
                }
                message => {
                    match message {
                        StreamUp::Taken(session) | StreamUp::NoRoom(session) | StreamUp::Gone(session) => {
                            door.arrived(session);
                        }
                        StreamUp::Message { .. } => door.received.set(door.received.get() + 1),
                        StreamUp::Held(_) | StreamUp::AllHeld => {}
                    }
                    door.front.borrow_mut().hear_stream(stream, message, now);
                }
            }
        }
    };
    if door.front.borrow().uses_stream(stream, &sender) {
        door.lose_stream(stream);
    }
    door.clients_changed.notify_one();
    over
}

/// Serves a link to WFE until it ends.
async fn follow_wfe(door: &Rc<Door>, end: LinkEnd) -> io::Result<()> {
    let (sender, mut receiver) = link::open::<WfeUp, WfeDown>(end.messages)?;
    let sockets = tokio_seqpacket::UnixSeqpacket::try_from(end.sockets)?;
    let mut sockets = passing::Receiver::new(sockets.into());
    door.front.borrow_mut().attach_wfe(sender.clone());
    let (mut messages, mut handing) = (Vec::new(), true);
    let over = loop {
        tokio::select! {
            came = receiver.receive(&mut messages) => {
                if let Err(error) = came {
                    break Err(error);
                }
                door.sent.set(door.sent.get() + messages.len() as u64);
                let mut front = door.front.borrow_mut();
                messages.drain(..).for_each(|message| front.hear_wfe(message));
            }
            handed = sockets.receive::<Handover>(), if handing => match handed {
                Ok(Some((handover, sockets))) => door.knock(handover, sockets),
                // Its last messages may still be unread.
                Ok(None) => handing = false,
                Err(error) => break Err(error),
            },
        }
    };
    door.front.borrow_mut().lose_wfe(&sender);
    over
}
