//! The new program, and whether it can take over. It is asked by `widgetapp config check` with the options that this
//! program was started with: so whatever would keep it from starting is told before anything has changed.

use std::{
    ffi::{OsStr, OsString},
    io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::{config::Config, ipc};

/// How one program describes to the next what it has kept. A change that the older ones do not understand raises it.
pub const FORMAT: u16 = 1;
/// The option that tells it to the new program.
const OPTION: &str = "--take-over";
/// The option that tells the program before why the new one could not go on. It begins as the other one does.
const FAILED: &str = "--take-over-failed";
/// Most of that is told.
const MAX_WHY_BYTES: usize = 4096;
/// How long the new program may take to answer.
const ANSWERED_WITHIN: Duration = Duration::from_secs(10);
/// Most of its answer that is read.
const MAX_ANSWER_BYTES: u64 = 64 * 1024;
/// How a program ends that does not know an option.
const WRONG_USAGE: i32 = 2;

/// What the new program says of itself, as a line of JSON.
#[derive(Debug, Serialize, Deserialize)]
pub struct Successor {
    version: String,
    links: u16,
    foundation: Foundation,
}

/// The settings that only a restart changes: while the server runs, it stays where it is.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Foundation {
    data: PathBuf,
    listen: Vec<String>,
    metrics: Option<String>,
}

impl Successor {
    /// What this program says of itself with these settings.
    pub fn of(config: &Config) -> Self {
        Self { version: env!("CARGO_PKG_VERSION").into(), links: ipc::VERSION, foundation: Foundation::of(config) }
    }

    /// Whether its processes understand those of this program.
    pub fn understands_us(&self) -> bool {
        self.links == ipc::VERSION
    }
}

impl Foundation {
    /// Those of these settings.
    pub fn of(config: &Config) -> Self {
        let (data, listen) = (config.server.data.clone(), config.server.listen.clone());
        Self { data, listen, metrics: config.metrics.listen.clone() }
    }

    /// The setting that is another one there.
    pub fn changed(&self, there: &Self) -> Option<&'static str> {
        let Self { data, listen, metrics } = self;
        let changed = [
            ("server.data", *data != there.data),
            ("server.listen", *listen != there.listen),
            ("metrics.listen", *metrics != there.metrics),
        ];
        changed.into_iter().find(|(_, is_changed)| *is_changed).map(|(key, _)| key)
    }
}

/// Where this program was started from, and now perhaps another one is. The path as it was given, if it was: a link may
/// lead to another file now.
pub fn program() -> io::Result<PathBuf> {
    if let Some(given) = std::env::args_os().next().filter(|given| Path::new(given).components().count() > 1) {
        return std::path::absolute(given);
    }
    let path = std::env::current_exe()?;
    let path = path.as_os_str().as_bytes();
    Ok(OsStr::from_bytes(path.strip_suffix(b" (deleted)").unwrap_or(path)).into())
}

/// What the new program is started with: as this one was.
pub fn arguments() -> Vec<OsString> {
    let ours =
        std::env::args_os().skip(1).filter(|argument| !argument.as_encoded_bytes().starts_with(OPTION.as_bytes()));
    ours.chain([option()]).collect()
}

fn option() -> OsString {
    format!("{OPTION}={FORMAT}").into()
}

/// What the program before is told in addition when it has to go on.
pub fn failure(why: &str) -> OsString {
    let why = why.replace('\0', " ");
    format!("{FAILED}={}", &why[..why.floor_char_boundary(MAX_WHY_BYTES)]).into()
}

/// Asks the program.
///
/// # Errors
/// It cannot take over, and why, in one line.
pub async fn ask(program: &Path, ours: &Foundation) -> Result<Successor, String> {
    let shown = program.display();
    let refused = |why: String| format!("{shown} cannot take over: {why}; nothing has changed");
    let answered = tokio::time::timeout(ANSWERED_WITHIN, answer(program));
    let (status, output, errors) = match answered.await {
        Ok(Ok(answered)) => answered,
        Ok(Err(error)) => return Err(refused(error.to_string())),
        Err(_) => return Err(refused(format!("it did not answer within {ANSWERED_WITHIN:?}"))),
    };
    if status.code() == Some(WRONG_USAGE) {
        return Err(refused("it does not know how; stop the server and start it again".into()));
    }
    if !status.success() {
        let said = errors.lines().next().map_or_else(|| status.to_string(), str::to_owned);
        return Err(refused(said.strip_prefix("widgetapp: ").unwrap_or(&said).to_owned()));
    }
    let successor: Successor =
        serde_json::from_str(&output).map_err(|_| refused("it is not the server's program".into()))?;
    match ours.changed(&successor.foundation) {
        Some(key) => Err(refused(format!(
            "{key} has changed, which takes effect with a restart only; restart the server, or set it back"
        ))),
        None => Ok(successor),
    }
}

async fn answer(program: &Path) -> io::Result<(std::process::ExitStatus, String, String)> {
    let options = arguments();
    let options = options.strip_prefix(&[OsString::from("serve")]).unwrap_or(&options);
    let mut asked = tokio::process::Command::new(program)
        .args(["config", "check"])
        .args(options)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()?;
    let (output, errors) = (asked.stdout.take(), asked.stderr.take());
    let (output, errors) = tokio::try_join!(read(output), read(errors))?;
    Ok((asked.wait().await?, output, errors))
}

/// What it says, as far as anybody wants to know.
async fn read(from: Option<impl AsyncRead + Unpin>) -> io::Result<String> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        from.take(MAX_ANSWER_BYTES).read_to_end(&mut bytes).await?;
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
