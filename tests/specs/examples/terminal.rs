//! A terminal with a shell in it, so that commands print what they print for people.

use std::{
    io::{Read as _, Write as _},
    os::unix::process::CommandExt as _,
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::time::{sleep, timeout};
use widgetapp::clock;

use super::stage::Stage;
use crate::{product::PATIENCE, screen};

/// Runs what it reads, command by command, and says when each has ended. Control and C ends the command only.
const SHELL: &str = r#"
exec 3<&0 0</dev/null
trap : INT
while IFS= read -r -d '' -u 3 command; do
    eval "$command" 3<&-
    printf '\036%d\036' $?
done
"#;
/// Stands around an exit code.
const END: char = '\u{1e}';
/// Variables that would change what commands do.
const FOREIGN: [&str; 3] = ["WIDGETAPP_", "RUST_", "CARGO"];
/// How long a command that goes on must have been quiet to have said all.
const QUIET: Duration = Duration::from_secs(3);
/// How often the output is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// See the module.
pub struct Terminal {
    shell: Child,
    commands: ChildStdin,
    /// What was printed and not yet taken.
    printed: Arc<Mutex<Vec<u8>>>,
}

/// What a command has printed, and its exit code if it has ended.
pub type Printed = (String, Option<i32>);

impl Terminal {
    /// Opens one.
    pub fn open(stage: &Stage) -> Self {
        let (screen, inside) = screen::pair().expect("there are terminals");
        let mut shell = Command::new("bash");
        shell.args(["--norc", "--noprofile", "-c", SHELL]).current_dir(stage.folder()).process_group(0);
        for (name, _) in std::env::vars_os() {
            if FOREIGN.iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
                shell.env_remove(name);
            }
        }
        let mut shell = shell
            .envs(stage.environment())
            .stdin(Stdio::piped())
            .stdout(inside.try_clone().expect("it can be shared"))
            .stderr(inside)
            .spawn()
            .expect("bash is here");
        let commands = shell.stdin.take().expect("its input is piped");
        let printed = Arc::<Mutex<Vec<u8>>>::default();
        let into = Arc::clone(&printed);
        std::thread::spawn(move || {
            let mut screen = std::fs::File::from(screen);
            let mut bytes = [0; 4096];
            // It ends with an error when nobody has the terminal any more.
            while let Ok(count @ 1..) = screen.read(&mut bytes) {
                into.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&bytes[..count]);
            }
        });
        Self { shell, commands, printed }
    }

    /// Types a command.
    pub fn enter(&mut self, command: &str) {
        let written = self.commands.write_all(format!("{command}\0").as_bytes());
        written.and_then(|()| self.commands.flush()).expect("the shell reads");
    }

    /// Presses Control and C.
    pub fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    /// Waits until the command has ended.
    pub async fn finish(&self) -> Printed {
        self.wait(|printed| end_of(printed).is_some()).await;
        self.take(usize::MAX)
    }

    /// Waits for as many lines, or for the end.
    pub async fn lines(&self, count: usize) -> Printed {
        self.wait(|printed| end_of(printed).is_some() || printed.matches('\n').count() >= count).await;
        self.take(count)
    }

    /// Waits until nothing more comes.
    pub async fn quiet(&self) -> Printed {
        let (mut before, mut since) = (self.text(), clock::now());
        while end_of(&before).is_none() && clock::now().duration_since(since) < QUIET {
            sleep(LOOK_EVERY).await;
            let now = self.text();
            if now != before {
                (before, since) = (now, clock::now());
            }
        }
        self.take(usize::MAX)
    }

    /// What was printed and not taken.
    pub fn text(&self) -> String {
        readable(&self.printed.lock().unwrap_or_else(PoisonError::into_inner)).0
    }

    async fn wait(&self, is_there: impl Fn(&str) -> bool) {
        let waiting = async {
            while !is_there(&self.text()) {
                sleep(LOOK_EVERY).await;
            }
        };
        // What has not come in time shows as a difference.
        let _ = timeout(PATIENCE, waiting).await;
    }

    fn take(&self, lines: usize) -> Printed {
        let mut printed = self.printed.lock().unwrap_or_else(PoisonError::into_inner);
        let (all, unreadable) = readable(&printed);
        let end = end_of(&all);
        let text = end.map_or(all.as_str(), |(text, ..)| text);
        let taken: String = text.split_inclusive('\n').take(lines).collect();
        let (code, left) = match end {
            Some((_, code, rest)) if taken.len() == text.len() => (Some(code), rest),
            _ => (None, &all[taken.len()..]),
        };
        *printed = [left.as_bytes(), &unreadable].concat();
        (taken, code)
    }

    /// Sends a signal to the shell and all that it has started.
    fn signal(&self, signal: Signal) {
        // An error means that nothing is left of them.
        let _ = kill_process_group(Pid::from_child(&self.shell), signal);
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        let _ = self.shell.wait();
    }
}

/// Text as far as it has come whole, with plain ends of lines, and the bytes behind it.
fn readable(printed: &[u8]) -> (String, Vec<u8>) {
    let whole = match std::str::from_utf8(printed) {
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        _ => printed.len(),
    };
    (String::from_utf8_lossy(&printed[..whole]).replace("\r\n", "\n"), printed[whole..].to_owned())
}

/// What was printed before the end of a command, its exit code, and what came behind.
fn end_of(printed: &str) -> Option<(&str, i32, &str)> {
    let (text, rest) = printed.split_once(END)?;
    let (code, rest) = rest.split_once(END)?;
    Some((text, code.parse().ok()?, rest))
}
