//! The administrator's socket in the data directory: one question and one answer per connection, as JSON.
//! `widgetapp_admin` is its other end.

use std::{
    io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::{fs::PermissionsExt, net::UnixListener as Socket},
    },
    path::Path,
    rc::{Rc, Weak},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

pub use super::status::ProcessStatus;
use crate::ipc::control::AdminRequest;

/// The socket's name in the data directory.
pub const SOCKET: &str = "admin.sock";
/// Longest question.
const MAX_QUESTION_BYTES: u64 = 64 * 1024;
/// How long an answer may take; orders take less ([`super::orders::DONE_WITHIN`]).
const ANSWER_WITHIN: Duration = Duration::from_secs(70);

/// The answer to whatever is asked while the server stops.
pub const STOPPING: &str = "the server is stopping; it answers nothing any more";

/// A question.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Request {
    /// A line of JSON for each process: [`ProcessStatus`].
    Status,
    /// Replace one process by a new one.
    Restart(Named),
    /// End one process for good.
    Stop(Named),
    /// Replace the instances of the SFE one by one, until at least so many fresh ones run; and never let fewer run.
    Start(u16),
    /// A line of JSON for each setting in effect: [`crate::config::Settings::lines`].
    Config,
    /// The text that is served as `/metrics`.
    Metrics,
    /// Replace the running program by the one that has taken its place.
    Upgrade,
    /// A matter of WFE.
    Ask(AdminRequest),
}

/// The name of a process.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Named {
    /// `_wfe`, `_sfe` or `_stream`.
    pub kind: String,
    /// Which one: `1`, or `1.1` for a `_stream`; empty for `_wfe`.
    pub number: String,
}

/// Lines to print, or why not.
pub type Answer = Result<Vec<String>, String>;
/// Where an answer goes.
pub type Reply = oneshot::Sender<Answer>;

/// A question and where its answer goes.
#[derive(Debug)]
pub struct Asked {
    /// The question.
    pub request: Request,
    /// Where the answer goes.
    pub reply: Reply,
    /// With [`Request::Upgrade`] the connection itself: another program gives the answer.
    pub connection: Option<OwnedFd>,
}

/// Makes the socket.
///
/// # Errors
/// It cannot be made.
pub fn bind(data: &Path) -> io::Result<Socket> {
    let path = data.join(SOCKET);
    // The lock on the data directory is ours, so a socket that is there belongs to a server that has died.
    if let Err(error) = std::fs::remove_file(&path)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let socket = Socket::bind(&path)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Takes questions at the socket.
#[derive(Debug)]
pub struct Door {
    accepting: JoinHandle<()>,
    /// Whoever is being answered holds a copy.
    answering: Rc<()>,
}

impl Door {
    /// Questions go to the supervisor.
    ///
    /// # Errors
    /// The socket cannot be used.
    pub fn open(socket: &Socket, asked: mpsc::Sender<Asked>) -> io::Result<Self> {
        let listener = UnixListener::from_std(socket.try_clone()?)?;
        let answering = Rc::new(());
        let being_answered = Rc::downgrade(&answering);
        let accepting = tokio::task::spawn_local(async move {
            loop {
                match listener.accept().await {
                    Ok((connection, _)) => {
                        let (asked, answering) = (asked.clone(), being_answered.clone());
                        tokio::task::spawn_local(async move {
                            if let Err(error) = serve(connection, &asked, answering).await {
                                tracing::debug!(%error, "a question of the administrator was not answered");
                            }
                        });
                    }
                    Err(error) => {
                        crate::limiter::seldom!(warn, %error, "cannot take a question of the administrator");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                }
            }
        });
        Ok(Self { accepting, answering })
    }

    /// Takes no more questions. Whoever asks now waits until somebody takes them again.
    pub fn close(&self) {
        self.accepting.abort();
    }

    /// Whether all that was asked before [`Door::close`] is answered, but for [`Request::Upgrade`].
    pub fn is_quiet(&self) -> bool {
        Rc::strong_count(&self.answering) == 1
    }
}

async fn serve(connection: UnixStream, asked: &mpsc::Sender<Asked>, answering: Weak<()>) -> io::Result<()> {
    let (reading, mut writing) = connection.into_split();
    let mut line = String::new();
    BufReader::new(reading.take(MAX_QUESTION_BYTES)).read_line(&mut line).await?;
    let request = serde_json::from_str(&line);
    let is_upgrade = matches!(request, Ok(Request::Upgrade));
    // Only from now on: whoever does not ask is not waited for.
    let _answering = answering.upgrade().filter(|_| !is_upgrade);
    let answer: Answer = match request {
        Ok(request) => {
            let (reply, answer) = oneshot::channel();
            let connection = is_upgrade.then(|| writing.as_ref().as_fd().try_clone_to_owned()).transpose()?;
            let _ = asked.send(Asked { request, reply, connection }).await;
            within(ANSWER_WITHIN, answer).await
        }
        Err(error) => Err(format!("not a question of this version of widgetapp_admin: {error}")),
    };
    writing.write_all(&encode(&answer)?).await
}

async fn within(time: Duration, answer: oneshot::Receiver<Answer>) -> Answer {
    match tokio::time::timeout(time, answer).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Err(STOPPING.into()),
        Err(_) => Err("the server did not answer in time".into()),
    }
}

fn encode(message: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec(message)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Where the answer goes to a question that the program before has taken.
///
/// # Errors
/// The connection cannot be used.
pub fn reply_on(connection: OwnedFd) -> io::Result<Reply> {
    let mut connection = UnixStream::from_std(connection.into())?;
    let (reply, answer) = oneshot::channel();
    tokio::task::spawn_local(async move {
        let answer = within(ANSWER_WITHIN, answer).await;
        let written = match encode(&answer) {
            Ok(bytes) => connection.write_all(&bytes).await,
            Err(error) => Err(error),
        };
        if let Err(error) = written {
            tracing::debug!(%error, "a question of the administrator was not answered");
        }
    });
    Ok(reply)
}

/// Asks the server whose data directory this is.
///
/// # Errors
/// No server runs there.
pub async fn ask(data: &Path, request: &Request) -> io::Result<Answer> {
    let connection = UnixStream::connect(data.join(SOCKET)).await?;
    let (reading, mut writing) = connection.into_split();
    writing.write_all(&encode(request)?).await?;
    let mut line = String::new();
    BufReader::new(reading).read_line(&mut line).await?;
    if line.is_empty() {
        return Err(io::Error::other("it ended before it had answered"));
    }
    serde_json::from_str(&line).map_err(io::Error::other)
}
