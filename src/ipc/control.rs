//! What the supervisor and a process say to each other, over a channel that the process finds as its
//! standard input: no descriptor has to be inherited in any other way.

use std::{io, os::fd::OwnedFd, rc::Rc, time::Duration};

use serde::{Deserialize, Serialize};
use tokio_seqpacket::UnixSeqpacket;

use super::{ProcessId, load::Load, passing};
use crate::{config::Config, limiter::seldom, metrics::Added};

/// Supervisor to process.
#[derive(Debug, Serialize, Deserialize)]
pub enum Command {
    /// First: the settings. WFE gets the listening sockets with it.
    Start {
        /// The settings as JSON (postcard cannot hold what has no fixed shape).
        config: String,
        /// Base URL under which the server is reached.
        url: String,
    },
    /// The two sockets of a link to another process: messages, then sockets.
    Link(LinkId),
    /// To WFE: all instances of the SFE that there are, and which of them take new connections.
    Instances(Vec<Instance>),
    /// Take nothing new, finish, and end.
    Drain,
    /// To an `_sfe` that is replaced: take no more messages, pass on the answers to those that were taken, and end.
    GiveWay,
    /// To WFE: the answer to [`Report::AskStatus`], a line of JSON for each process.
    Status(Vec<String>),
    /// A question of the administrator that only this process can answer.
    Ask(AdminRequest),
}

/// An instance of the SFE, as WFE has to know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Its number.
    pub number: u16,
    /// Whether it takes new connections: it has started, and is not on its way out.
    pub open: bool,
}

/// One link as one of its sides sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkId {
    /// The process on the other side.
    pub peer: ProcessId,
    /// Both sides tell of the end of a link; the number says which one they mean.
    pub number: u64,
}

/// Process to supervisor.
#[derive(Debug, Serialize, Deserialize)]
pub enum Report {
    /// It does its work.
    Ready,
    /// It is alive, and this is what it has to do. Comes once a second, and when clients have come or gone.
    Alive(Load),
    /// This it has counted since it last told.
    Counted(Vec<Added>),
    /// This link is over; a new one is needed.
    LinkLost(LinkId),
    /// It cannot go on, and this is why; told to the person who started the server.
    Failed(String),
    /// Asks how the processes are.
    AskStatus,
    /// The answer to a [`Command::Ask`]: lines, or why not.
    Answer(Result<Vec<String>, String>),
}

/// What the administrator may ask of WFE. Lists come in parts: those after the first `skip`, at most
/// [`LISTED_AT_ONCE`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum AdminRequest {
    /// All groups, a line each.
    Groups {
        /// As JSON.
        json: bool,
        /// Leave out the first ones.
        skip: usize,
    },
    /// All users, a line each.
    Users {
        /// As JSON.
        json: bool,
        /// Leave out the first ones.
        skip: usize,
    },
    /// A new organisation.
    AddOrganisation {
        /// Its name.
        name: String,
    },
    /// A new group, not approved.
    AddGroup {
        /// Its name.
        group: String,
        /// Its organisation; none for the only one.
        organisation: Option<String>,
    },
    /// Approve a group for streaming, or withdraw it.
    Approve {
        /// The group's name.
        group: String,
        /// Approve or withdraw.
        approved: bool,
    },
    /// Put a user or client into a group, or take it out.
    Member {
        /// The group's name.
        group: String,
        /// The user's name or the client's id.
        name: String,
        /// Put in or take out.
        add: bool,
    },
    /// A new user, with a random password.
    AddUser {
        /// Their name.
        name: String,
        /// Their organisation; none for the only one.
        organisation: Option<String>,
        /// Groups to put them into.
        groups: Vec<String>,
    },
    /// Shut a user out, or let them in again.
    Disable {
        /// Their name.
        user: String,
        /// Shut out or let in.
        disabled: bool,
    },
    /// Let a user look after their organisation, or no more.
    Administrator {
        /// Their name.
        user: String,
        /// Let or no more.
        administrator: bool,
    },
    /// A new random password for a user.
    NewPassword {
        /// Their name.
        user: String,
    },
    /// Give something another name.
    Rename {
        /// What it is.
        account: Account,
        /// Its name until now.
        name: String,
        /// Its name from now on.
        to: String,
    },
    /// Remove something for good.
    Remove {
        /// What it is.
        account: Account,
        /// Its name.
        name: String,
        /// Whose the Things become that a user or application alone owns.
        heir: Option<String>,
    },
    /// The record of who did what to whose access.
    Audit {
        /// Not older than this; none for all that is kept.
        since_seconds: Option<u64>,
        /// Only what one user or client did, or what was done to them.
        user: Option<String>,
        /// As JSON.
        json: bool,
        /// Leave out the first ones.
        skip: usize,
    },
    /// A matter of the authorisation server.
    Oauth(OauthRequest),
}

/// What can be renamed and removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each is what its name says")]
pub enum Account {
    Organisation,
    Group,
    User,
    Client,
}

/// What the administrator may ask of the authorisation server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OauthRequest {
    /// All applications, a line each.
    Clients {
        /// As JSON.
        json: bool,
        /// Leave out the first ones.
        skip: usize,
    },
    /// Register an application.
    AddClient {
        /// Its id.
        client: String,
        /// How people know it; none for its id.
        display_name: Option<String>,
        /// Its organisation; none for the only one.
        organisation: Option<String>,
        /// Groups to put it into.
        groups: Vec<String>,
        /// Where it may have codes sent.
        redirect_uris: Vec<String>,
        /// What it may have; none for all scopes.
        scopes: Vec<String>,
        /// Whether it can keep no secret.
        public: bool,
        /// As JSON.
        json: bool,
    },
    /// End all that an application was granted, and let it ask no more; or let it ask again.
    DisableClient {
        /// Its id.
        client: String,
        /// End or let ask again.
        disabled: bool,
    },
    /// A new secret for an application.
    NewSecret {
        /// Its id.
        client: String,
        /// As JSON.
        json: bool,
    },
    /// What users have allowed applications, and what applications hold for themselves.
    Grants {
        /// Of this user or client alone.
        user: Option<String>,
        /// As JSON.
        json: bool,
        /// Leave out the first ones.
        skip: usize,
    },
    /// End one grant.
    EndGrant {
        /// Its id, the `jti` of one of its access tokens, or one of its tokens.
        token: String,
    },
    /// Sign with a new key from now on.
    RotateKeys,
}

/// How long after a link could not be taken another one is asked for.
const LINK_AGAIN_AFTER: Duration = Duration::from_secs(1);
/// Lines in one part of a list: they go through the processes in one packet.
pub const LISTED_AT_ONCE: usize = 100;

/// The process's sending end of its channel to the supervisor.
#[derive(Clone, Debug)]
pub struct Control {
    channel: Rc<UnixSeqpacket>,
}

/// The process's receiving end.
#[derive(Debug)]
pub struct Commands(passing::Receiver);

/// How a process begins: its settings and, for WFE, the sockets to listen on.
#[derive(Debug)]
pub struct Start {
    /// The settings.
    pub config: Config,
    /// Base URL under which the server is reached.
    pub url: String,
    /// Listening sockets.
    pub listeners: Vec<OwnedFd>,
}

impl Control {
    /// Takes the channel from standard input and waits for [`Command::Start`].
    ///
    /// # Errors
    /// Standard input is not such a channel: the process was not started by the supervisor.
    pub async fn from_stdin() -> io::Result<(Self, Commands, Start)> {
        let channel = Rc::new(UnixSeqpacket::try_from(rustix::io::dup(rustix::stdio::stdin())?)?);
        let mut commands = Commands(passing::Receiver::new(channel.clone()));
        match commands.next().await? {
            Some((Command::Start { config, url }, listeners)) => {
                let config = serde_json::from_str(&config).map_err(io::Error::other)?;
                Ok((Self { channel }, commands, Start { config, url, listeners }))
            }
            _ => Err(io::Error::new(io::ErrorKind::InvalidData, "the supervisor did not say how to start")),
        }
    }

    /// Tells the supervisor something.
    ///
    /// # Errors
    /// The supervisor is gone.
    pub async fn report(&self, report: &Report) -> io::Result<()> {
        passing::send::<_, OwnedFd>(&self.channel, report, &[]).await
    }
}

impl Control {
    /// A link came without its sockets, for this process has no descriptors left: asks for another one after a while.
    pub async fn link_again(self, link: LinkId, error: io::Error) {
        seldom!(error, peer = %link.peer, %error, "no descriptors are left for a link; it is tried again");
        tokio::time::sleep(LINK_AGAIN_AFTER).await;
        // Without a supervisor this process ends anyway.
        let _ = self.report(&Report::LinkLost(link)).await;
    }
}

impl Commands {
    /// The next command and the sockets that come with it; `None` when the supervisor is gone.
    ///
    /// # Errors
    /// The channel broke.
    pub async fn next(&mut self) -> io::Result<Option<(Command, Vec<OwnedFd>)>> {
        self.0.receive().await
    }
}

/// The two sockets of one end of a link.
#[derive(Debug)]
pub struct LinkEnd {
    /// For messages; see [`super::link`].
    pub messages: std::os::unix::net::UnixStream,
    /// For sockets; see [`super::passing`].
    pub sockets: OwnedFd,
}

impl LinkEnd {
    /// Two connected ends.
    ///
    /// # Errors
    /// No more descriptors.
    pub fn pair() -> io::Result<(Self, Self)> {
        let (messages_here, messages_there) = std::os::unix::net::UnixStream::pair()?;
        let (sockets_here, sockets_there) = UnixSeqpacket::pair()?;
        Ok((
            Self { messages: messages_here, sockets: sockets_here.into() },
            Self { messages: messages_there, sockets: sockets_there.into() },
        ))
    }

    /// What came with a [`Command::Link`].
    ///
    /// # Errors
    /// It did not bring its two sockets.
    pub fn from_sockets(sockets: Vec<OwnedFd>) -> io::Result<Self> {
        let [messages, sockets]: [OwnedFd; 2] = sockets
            .try_into()
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "a link comes with two sockets"))?;
        Ok(Self { messages: messages.into(), sockets })
    }

    /// Both, for sending: messages, then sockets.
    pub fn into_sockets(self) -> Vec<OwnedFd> {
        vec![self.messages.into(), self.sockets]
    }
}
