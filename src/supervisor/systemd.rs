//! What the service manager is told, if one asks for it: that the server is ready, that it lives, that its program is
//! being replaced, that it stops (systemd's `sd_notify(3)` and `sd_watchdog_enabled(3)`).
//!
//! Nobody waits for the service manager: what it has no room for is not said.

use std::{
    ffi::{OsStr, OsString},
    io,
    os::{
        linux::net::SocketAddrExt as _,
        unix::{
            ffi::OsStrExt as _,
            net::{SocketAddr, UnixDatagram},
        },
    },
    time::Duration,
};

use crate::clock;

/// Stands for no sign of life that is wanted; nobody waits that long.
const NEVER: Duration = Duration::from_secs(24 * 60 * 60);

/// The service manager, if there is one.
#[derive(Debug)]
pub struct ServiceManager {
    socket: Option<(UnixDatagram, SocketAddr)>,
    /// How often it wants a sign of life.
    pub wants_life_every: Duration,
}

impl ServiceManager {
    /// The one that started this process, as it has said in the environment.
    pub fn of_process() -> Self {
        Self::new(std::env::var_os("NOTIFY_SOCKET"), |name| std::env::var(name).ok()?.parse().ok())
    }

    fn new(address: Option<OsString>, number: impl Fn(&str) -> Option<u64>) -> Self {
        let socket = address.filter(|address| !address.is_empty()).and_then(|address| {
            let reached = reach(&address);
            reached
                .inspect_err(
                    |error| tracing::warn!(%error, address = %address.display(), "the service manager cannot be told"),
                )
                .ok()
        });
        let for_us = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
        let watchdog = number("WATCHDOG_USEC").filter(|micros| for_us && socket.is_some() && *micros > 1);
        // Twice in the time in which it wants one.
        let wants_life_every = watchdog.map_or(NEVER, |micros| Duration::from_micros(micros / 2));
        Self { socket, wants_life_every }
    }

    /// The server does its work, at this address.
    pub fn ready(&self, url: &str) {
        self.tell(&format!("READY=1\nSTATUS=listening on {url}"));
    }

    /// The server lives; said if that is wanted.
    pub fn alive(&self) {
        if self.wants_life_every < NEVER {
            self.tell("WATCHDOG=1");
        }
    }

    /// The server's program is being replaced; [`ServiceManager::ready`] tells when that is over.
    pub fn reloading(&self) {
        let micros = clock::monotonic_micros();
        self.tell(&format!("RELOADING=1\nMONOTONIC_USEC={micros}\nSTATUS=the program is being replaced"));
    }

    /// The server stops.
    pub fn stopping(&self) {
        self.tell("STOPPING=1\nSTATUS=stopping: what is under way is finished");
    }

    fn tell(&self, state: &str) {
        if let Some((socket, address)) = &self.socket
            && let Err(error) = socket.send_to_addr(state.as_bytes(), address)
        {
            tracing::debug!(%error, state, "the service manager was not told");
        }
    }
}

/// `@NAME` is a name that is in no folder.
fn reach(address: &OsStr) -> io::Result<(UnixDatagram, SocketAddr)> {
    let address = match address.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(address)?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    Ok((socket, address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(socket: &UnixDatagram) -> String {
        let mut bytes = [0; 1024];
        let count = socket.recv(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..count]).into_owned()
    }

    #[test]
    fn it_is_told_at_a_path_or_at_an_abstract_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let name = format!("widgetapp-test-{}", std::process::id());
        let abstract_address = SocketAddr::from_abstract_name(name.as_bytes()).unwrap();
        let at_path = (UnixDatagram::bind(&path).unwrap(), path.into_os_string());
        let at_name = (UnixDatagram::bind_addr(&abstract_address).unwrap(), format!("@{name}").into());
        for (socket, address) in [at_path, at_name] {
            let manager = ServiceManager::new(Some(address), |_| None);
            manager.ready("http://127.0.0.1:1");
            assert_eq!(told(&socket), "READY=1\nSTATUS=listening on http://127.0.0.1:1");
            manager.stopping();
            assert!(told(&socket).starts_with("STOPPING=1\n"));
        }
    }

    #[test]
    fn signs_of_life_are_wanted_twice_in_the_time_of_the_watchdog_of_this_process() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let _socket = UnixDatagram::bind(&path).unwrap();
        let wanted = |micros: Option<u64>, pid: Option<u64>| {
            let number = move |name: &str| if name == "WATCHDOG_PID" { pid } else { micros };
            ServiceManager::new(Some(path.clone().into()), number).wants_life_every
        };
        let us = u64::from(std::process::id());
        assert_eq!(wanted(Some(30_000_000), None), Duration::from_secs(15));
        assert_eq!(wanted(Some(30_000_000), Some(us)), Duration::from_secs(15));
        assert_eq!(wanted(Some(30_000_000), Some(us + 1)), NEVER);
        assert_eq!([wanted(None, None), wanted(Some(0), None)], [NEVER; 2]);
        assert_eq!(ServiceManager::new(None, |_| Some(2)).wants_life_every, NEVER);
    }

    #[test]
    fn one_that_does_not_listen_holds_nobody_up() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        let manager = ServiceManager::new(Some(path.into()), |name| (name == "WATCHDOG_USEC").then_some(2));
        (0..10_000).for_each(|_| manager.alive());
        drop(socket);
        manager.alive();
        ServiceManager::new(Some("/nowhere/notify".into()), |_| None).alive();
    }
}
