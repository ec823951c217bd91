//! The product, started for one load test on a free port, with a data directory of its own.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, ExitCode, Stdio},
};

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal};

/// Under this name the program is the product.
pub const NAME: &str = "widgetapp";
/// How much of the product's log is shown if it does not start.
const SHOWN_LINES: usize = 10;

/// How the product is started.
#[derive(Clone, Debug, Default)]
pub struct Start {
    /// Another program than the one that was built with this.
    pub program: Option<PathBuf>,
    /// Settings, as `sfe.clients_per_instance=100`.
    pub settings: Vec<String>,
    /// Options of `widgetapp serve`.
    pub options: Vec<&'static str>,
}

/// A running product. It ends when this is dropped.
pub struct Product {
    process: Child,
    /// Held open: whoever writes into a pipe that nobody reads is ended.
    _output: BufReader<ChildStdout>,
    url: String,
}

/// What this program is when it is started as the product.
pub fn serve() -> ExitCode {
    // A load test that is killed leaves no server behind.
    if let Err(error) = rustix::process::set_parent_process_death_signal(Some(Signal::TERM)) {
        eprintln!("{NAME}: {error}");
        return ExitCode::FAILURE;
    }
    widgetapp::cli::main()
}

impl Product {
    /// Starts it on this data, and waits until it listens. To be called by a thread that lives as long as the product.
    ///
    /// # Errors
    /// It does not start; its last lines are in the error.
    pub fn start(start: &Start, data: &Path) -> anyhow::Result<Self> {
        let own = Path::new("/proc/self/exe");
        let mut command = Command::new(start.program.as_deref().unwrap_or(own));
        if start.program.is_none() {
            command.arg0(NAME);
        }
        let log = data.with_extension("log");
        let mut process = command
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .args(&start.options)
            .envs(variables(&start.settings)?)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(&log).context("cannot write the server's log")?)
            .spawn()
            .context("cannot start the server")?;
        let mut output = BufReader::new(process.stdout.take().context("the server's output is not there")?);
        let mut line = String::new();
        output.read_line(&mut line)?;
        let Some(url) = line.trim().strip_prefix("listening on ").map(str::to_owned) else {
            let _ = process.kill();
            let _ = process.wait();
            bail!("the server does not start:\n{}", last_lines(&log));
        };
        Ok(Self { process, _output: output, url })
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Product {
    fn drop(&mut self) {
        // As an administrator ends it, so that it is not slower the next time on the same data.
        if let Some(pid) = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw) {
            let _ = rustix::process::kill_process(pid, Signal::TERM);
        }
        let _ = self.process.wait();
    }
}

/// `section.key=value` as the product reads it from its environment.
fn variables(settings: &[String]) -> anyhow::Result<Vec<(String, String)>> {
    let variable = |setting: &String| {
        let (key, value) = setting.split_once('=').with_context(|| format!("`{setting}` has no `=`"))?;
        Ok((format!("WIDGETAPP_{}", key.trim().replace('.', "__").to_uppercase()), value.trim().to_owned()))
    };
    settings.iter().map(variable).collect()
}

fn last_lines(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n")
}
