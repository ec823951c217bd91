//! Processes that are killed, or restarted as an administrator does it, while the load goes on.

use std::{str::FromStr, time::Duration};

use anyhow::Context as _;
use capacity::units;
use rustix::process::{Pid, Signal};
use widgetapp::supervisor::admin::{Named, ProcessStatus, Request};

use super::{Server, meter};

/// What is to be done, and when: `stream@10s` into the measured part of each step.
#[derive(Clone, Copy, Debug)]
pub struct Loss {
    kind: &'static str,
    /// Since the step began to be measured.
    pub at: Duration,
}

impl FromStr for Loss {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (what, at) =
            text.split_once('@').ok_or_else(|| format!("`{text}` has no `@`: write for instance `stream@10s`"))?;
        let kind = match what {
            "wfe" => "_wfe",
            "sfe" => "_sfe",
            "stream" => "_stream",
            other => return Err(format!("there is no process `{other}`: use wfe, sfe or stream")),
        };
        Ok(Self { kind, at: units::duration(at).map_err(|error| error.to_string())? })
    }
}

impl Loss {
    /// Kills the process of its kind that has the most clients, with `kill -9`. Says what was done.
    ///
    /// # Errors
    /// There is none, or it cannot be killed.
    pub async fn kill(&self, server: &Server) -> anyhow::Result<String> {
        let victim = self.busiest(server).await?;
        let pid = victim.pid.and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?)).context("it does not run")?;
        rustix::process::kill_process(pid, Signal::KILL).with_context(|| format!("cannot kill a {}", self.kind))?;
        Ok(format!("{} {} was killed", self.kind, victim.id).replace("  ", " "))
    }

    /// Has the server replace it by a fresh one.
    ///
    /// # Errors
    /// There is none, or the server refuses.
    pub async fn restart(&self, server: &Server) -> anyhow::Result<String> {
        let victim = self.busiest(server).await?;
        let named = Named { kind: self.kind.into(), number: victim.id.clone() };
        server.ask(&Request::Restart(named)).await.with_context(|| format!("the server restarts no {}", self.kind))?;
        Ok(format!("{} {} was restarted", self.kind, victim.id).replace("  ", " "))
    }

    async fn busiest(&self, server: &Server) -> anyhow::Result<ProcessStatus> {
        let all = meter::statuses(server).await;
        let such = all.into_iter().filter(|status| status.process == self.kind && status.pid.is_some());
        such.max_by_key(|status| status.clients).with_context(|| {
            format!("no {} can be reached: a server that is not started for this needs --data DIR", self.kind)
        })
    }
}
