//! A running WidgetApp for one test: the real program on a port and with a data directory of its own.

mod file_system;
mod installation;
mod reserved;

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::{NamedTempFile, TempDir};

pub use self::{file_system::FileSystem, installation::Installation, reserved::Reserved};

/// How long a condition may take to come true before the test fails.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The program, and its data.
pub struct Product {
    program: PathBuf,
    supervisor: Child,
    data: TempDir,
    urls: Vec<String>,
    metrics_url: Option<String>,
    /// Where it listens unless its options say where, now and when it is started again.
    reserved: Reserved,
    /// Not among the data, where a test may leave no room for it.
    log: NamedTempFile,
    options: Vec<String>,
    env: Vec<(String, String)>,
}

/// What the line begins with that says where metrics are.
const METRICS: &str = "metrics at ";

impl Product {
    /// Starts it with the demonstration's data.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts it with more options.
    pub fn start_with(options: &[&str]) -> Self {
        Self::start_in(TempDir::new().expect("a temporary directory"), options)
    }

    /// Starts it with more options and these environment variables.
    pub fn start_with_env(options: &[&str], env: &[(&str, &str)]) -> Self {
        Self::launch(TempDir::new().expect("a temporary directory"), options, env)
    }

    /// Starts it on data that is there already; on a port of its own, unless the options say `--listen`.
    pub fn start_in(data: TempDir, options: &[&str]) -> Self {
        Self::launch(data, options, &[])
    }

    /// The same with these environment variables.
    pub fn start_in_with_env(data: TempDir, options: &[&str], env: &[(&str, &str)]) -> Self {
        Self::launch(data, options, env)
    }

    /// Starts the program that is installed there.
    pub fn start_installed(installation: &Installation, options: &[&str], env: &[(&str, &str)]) -> Self {
        Self::launch_program(installation.program(), TempDir::new().expect("a temporary directory"), options, env)
    }

    fn launch(data: TempDir, options: &[&str], env: &[(&str, &str)]) -> Self {
        // What is measured is measured on the program that people run.
        let program = std::env::var_os("TEST_PROGRAM").map_or(env!("CARGO_BIN_EXE_widgetapp").into(), PathBuf::from);
        Self::launch_program(program, data, options, env)
    }

    fn launch_program(program: PathBuf, data: TempDir, options: &[&str], env: &[(&str, &str)]) -> Self {
        let log = NamedTempFile::new().expect("a temporary file");
        let options: Vec<String> = options.iter().copied().map(Into::into).collect();
        let env: Vec<_> = env.iter().map(|(name, value)| (String::from(*name), String::from(*value))).collect();
        let reserved = Reserved::at("127.0.0.1");
        let (supervisor, Said { urls, metrics_url }) = spawn(&program, data.path(), &reserved, &options, &env, &log);
        Self { program, urls, metrics_url, reserved, supervisor, data, log, options, env }
    }

    /// Kills all of it at once, if it still runs, and starts it again on the same data, at the same address.
    pub fn start_again(&mut self) {
        self.kill_all();
        self.spawn_again();
    }

    /// Ends it with a signal and starts it with these options on what `next` makes of its data, at the same address.
    pub fn start_again_on(&mut self, signal: &str, options: &[&str], next: impl FnOnce(TempDir) -> TempDir) {
        self.end(signal);
        let empty = TempDir::new().expect("a temporary directory");
        self.data = next(std::mem::replace(&mut self.data, empty));
        self.options = options.iter().copied().map(Into::into).collect();
        self.spawn_again();
    }

    fn spawn_again(&mut self) {
        let (supervisor, said) =
            spawn(&self.program, self.data.path(), &self.reserved, &self.options, &self.env, &self.log);
        assert_eq!(said.urls, self.urls);
        (self.supervisor, self.metrics_url) = (supervisor, said.metrics_url);
    }

    /// The processes that it has started.
    pub fn children(&self) -> Vec<u32> {
        children(self.pid())
    }

    /// Kills all of its processes at once, and waits until none is left.
    pub fn kill_all(&mut self) {
        let children = self.children();
        children.iter().chain([&self.pid()]).for_each(|pid| kill("KILL", *pid));
        let _ = self.supervisor.wait();
        eventually("all its processes have ended", || (!children.iter().any(|pid| is_alive(*pid))).then_some(()));
    }

    /// Its base URL.
    pub fn url(&self) -> &str {
        &self.urls[0]
    }

    /// The base URLs of all its addresses.
    pub fn urls(&self) -> &[String] {
        &self.urls
    }

    /// Where its metrics are, if the options say `metrics.listen`.
    pub fn metrics_url(&self) -> &str {
        self.metrics_url.as_deref().expect("metrics are served")
    }

    /// `host:port`.
    pub fn address(&self) -> &str {
        self.url().split_once("://").expect("a URL").1
    }

    /// Its data directory.
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log.path()).unwrap_or_default()
    }

    /// The demonstration's passwords and ids.
    pub fn demo(&self) -> Value {
        let text = std::fs::read_to_string(self.data.path().join("demo.json")).expect("demo.json is there");
        serde_json::from_str(&text).expect("demo.json is JSON")
    }

    /// The demonstration's Thing.
    pub fn welcome(&self) -> String {
        self.demo()["things"]["welcome"].as_str().expect("a Thing").to_owned()
    }

    /// Runs `widgetapp_admin` on it: exit code, output, errors.
    pub fn admin(&self, arguments: &[&str]) -> (i32, String, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_widgetapp_admin"))
            .args(["-data".as_ref(), self.data.path().as_os_str()])
            .args(arguments)
            .output()
            .expect("the admin command runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
    }

    /// The processes of this kind: id and operating-system id.
    pub fn processes(&self, kind: &str) -> Vec<(String, u32)> {
        let (_, out, _) = self.admin(&["-status", "-json"]);
        let all = out.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        let of_kind = all.filter(|process| process["process"] == kind && process["state"] == "running");
        of_kind
            .filter_map(|process| {
                Some((process["id"].as_str()?.to_owned(), u32::try_from(process["pid"].as_u64()?).ok()?))
            })
            .collect()
    }

    /// The supervisor's operating-system id.
    pub fn pid(&self) -> u32 {
        self.supervisor.id()
    }

    /// Sends a signal to the supervisor and waits for its end: the exit code, if it ended by itself.
    pub fn end(&mut self, signal: &str) -> Option<i32> {
        kill(signal, self.pid());
        let status = eventually("the server ends", || self.supervisor.try_wait().expect("it can be waited for"));
        status.code()
    }
}

impl Drop for Product {
    fn drop(&mut self) {
        kill("KILL", self.pid());
        let _ = self.supervisor.wait();
        if std::thread::panicking() {
            eprintln!("--- the server's log ---\n{}", self.log());
        }
    }
}

/// What it says on standard output when it is ready.
struct Said {
    urls: Vec<String>,
    metrics_url: Option<String>,
}

/// Starts the program and waits until it says where it listens.
fn spawn(
    program: &Path,
    data: &Path,
    reserved: &Reserved,
    options: &[String],
    env: &[(String, String)],
    log: &NamedTempFile,
) -> (Child, Said) {
    let address = reserved.address().to_string();
    let listen: &[&str] = if options.iter().any(|option| option == "--listen") { &[] } else { &["--listen", &address] };
    let log_file = std::fs::File::options().append(true).open(log.path()).expect("a log file");
    let mut supervisor = Command::new(program)
        .args(["serve", "--data"])
        .arg(data)
        .args(listen)
        .args(options)
        .envs(env.iter().map(|(name, value)| (name, value)))
        .current_dir(data)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log_file)
        .spawn()
        .expect("the server starts");
    let stdout = supervisor.stdout.take().expect("its output is piped");
    let addresses = options.iter().filter(|option| *option == "--listen").count().max(1);
    let mut lines = BufReader::new(stdout).lines().map_while(Result::ok).peekable();
    let metrics_url = lines.next_if(|line| line.starts_with(METRICS)).map(|line| line[METRICS.len()..].to_owned());
    let lines = lines.take(addresses);
    let urls: Vec<String> = lines.filter_map(|line| Some(line.strip_prefix("listening on ")?.to_owned())).collect();
    if urls.len() < addresses {
        panic!("the server did not start:\n{}", std::fs::read_to_string(log.path()).unwrap_or_default());
    }
    (supervisor, Said { urls, metrics_url })
}

/// The processes that a process has started and that still run.
fn children(pid: u32) -> Vec<u32> {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    children.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

/// Sends a signal, such as `KILL`, to a process.
pub fn kill(signal: &str, pid: u32) {
    let _ = Command::new("kill").args([&format!("-{signal}"), &pid.to_string()]).stderr(Stdio::null()).status();
}

/// Whether a process is there.
pub fn is_alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The state stands behind the name in parentheses; Z is a process that has ended.
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

/// Asks again and again until there is an answer.
#[expect(clippy::disallowed_methods, reason = "tests measure real time")]
pub fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < until, "not within {PATIENCE:?}: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
