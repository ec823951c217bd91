//! The administrator's socket in the data directory: one question and one answer per connection, as JSON.
//! `widgetapp_admin` is its other end.

use std::{io, os::unix::fs::PermissionsExt, path::Path, time::Duration};

use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    sync::{mpsc, oneshot},
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
}

/// Serves the socket; questions go to the supervisor.
///
/// # Errors
/// The socket cannot be made.
pub fn listen(data: &Path, asked: mpsc::Sender<Asked>) -> io::Result<()> {
    let path = data.join(SOCKET);
    // The lock on the data directory is ours, so a socket that is there belongs to a server that has died.
    if let Err(error) = std::fs::remove_file(&path)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let listener = UnixListener::bind(&path)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    tokio::task::spawn_local(async move {
        loop {
            match listener.accept().await {
                Ok((connection, _)) => {
                    let asked = asked.clone();
                    tokio::task::spawn_local(async move {
                        if let Err(error) = serve(connection, &asked).await {
                            tracing::debug!(%error, "a question of the administrator was not answered");
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot take a question of the administrator");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    });
    Ok(())
}

async fn serve(connection: UnixStream, asked: &mpsc::Sender<Asked>) -> io::Result<()> {
    let (reading, mut writing) = connection.into_split();
    let mut line = String::new();
    BufReader::new(reading.take(MAX_QUESTION_BYTES)).read_line(&mut line).await?;
    let answer: Answer = match serde_json::from_str(&line) {
        Ok(request) => {
            let (reply, answer) = oneshot::channel();
            let _ = asked.send(Asked { request, reply }).await;
            match tokio::time::timeout(ANSWER_WITHIN, answer).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(_)) => Err(STOPPING.into()),
                Err(_) => Err("the server did not answer in time".into()),
            }
        }
        Err(error) => Err(format!("not a question of this version of widgetapp_admin: {error}")),
    };
    let mut bytes = serde_json::to_vec(&answer)?;
    bytes.push(b'\n');
    writing.write_all(&bytes).await
}

/// Asks the server whose data directory this is.
///
/// # Errors
/// No server runs there.
pub async fn ask(data: &Path, request: &Request) -> io::Result<Answer> {
    let connection = UnixStream::connect(data.join(SOCKET)).await?;
    let (reading, mut writing) = connection.into_split();
    let mut bytes = serde_json::to_vec(request)?;
    bytes.push(b'\n');
    writing.write_all(&bytes).await?;
    let mut line = String::new();
    BufReader::new(reading).read_line(&mut line).await?;
    serde_json::from_str(&line).map_err(io::Error::other)
}
