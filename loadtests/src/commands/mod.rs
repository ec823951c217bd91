//! What this program does when it is told to measure.
//!
//! | module | what it is |
//! |---|---|
//! | `run` | a load test |
//! | `validate`, `calibrate` | the same with steps that tell costs apart |
//! | `check` | a short one for every change, beside a bare `echo` |
//! | `machine` | where it is measured |

pub mod calibrate;
pub mod check;
mod echo;
mod machine;
pub mod run;
pub mod validate;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use capacity::{
    load::{Load, search::Steps},
    measured::{REPORT_SCHEMA, Run},
    report::{self, Comparison},
};
use widgetapp::{clock, protocol::action::Form};

use capacity::command::{INVALID, MET, MISSED};

use crate::{
    clients::{trace::Trace, writing::Style},
    server::{Server, ServerOptions, loss::Loss},
    step::{
        conduct::{self, Setup},
        display::Display,
        stages,
    },
};

/// Something cannot be asked for.
#[derive(Debug)]
pub struct WrongUsage(pub String);

impl std::fmt::Display for WrongUsage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for WrongUsage {}

/// How clients and this program go about it.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct MannerOptions {
    /// In which form Things are opened and edited: `json` (patches) or `yjs` (updates, as editors built on Yjs send them)
    #[arg(long, value_name = "FORM", default_value = "json", value_parser = ["json", "yjs"])]
    form: String,
    /// Bytes of the text that each edit sets
    #[arg(long, value_name = "BYTES", default_value_t = 100, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    edit_bytes: u32,
    /// A recorded session that editors type, as JSON of josephg/editing-traces, also gzipped; with --form yjs
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Kill a process so long into each step: `wfe`, `sfe` or `stream`, `@`, and when, as stream@5s; may be repeated
    #[arg(long, value_name = "WHAT@TIME")]
    lose: Vec<Loss>,
    /// Restart one as an administrator does it; may be repeated
    #[arg(long, value_name = "WHAT@TIME")]
    restart: Vec<Loss>,
    /// Threads that make the load [default: half of the processors]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Option<u16>,
    /// Show nothing while it runs
    #[arg(long)]
    quiet: bool,
}

impl MannerOptions {
    fn threads(&self) -> usize {
        let half = || (std::thread::available_parallelism().map_or(1, usize::from) / 2).max(1);
        self.threads.map_or_else(half, usize::from)
    }

    fn style(&self) -> Result<Style, WrongUsage> {
        let form = if self.form == "yjs" { Form::Yjs } else { Form::Json };
        if self.trace.is_some() && form == Form::Json {
            return Err(WrongUsage("--trace types Yjs updates: give --form yjs as well".into()));
        }
        let trace = self.trace.as_deref().map(Trace::read).transpose().map_err(WrongUsage)?;
        Ok(Style { form, bytes: self.edit_bytes as usize, trace: trace.map(Arc::new) })
    }
}

/// Measures all steps of a load.
///
/// # Errors
/// The server cannot be had, or a step cannot be made at all.
pub fn measure(load: &Load, server: &ServerOptions, manner: &MannerOptions) -> anyhow::Result<Run> {
    let threads = manner.threads();
    let setup = Setup {
        load: load.clone(),
        style: manner.style()?,
        kills: manner.lose.clone(),
        restarts: manner.restart.clone(),
        generator_cores: threads as f64,
        run: clock::unix_millis(),
        display: Display::new(manner.quiet),
    };
    if let Some(loss) = setup.kills.iter().chain(&setup.restarts).find(|loss| loss.at >= load.step) {
        return Err(WrongUsage(format!("--lose and --restart: {:?} is after the end of a step", loss.at)).into());
    }
    if machine::profile() != "release" && server.program.is_none() && !manner.quiet {
        eprintln!(
            "This is a debug build, several times slower: `cargo run --release --bin loadtest` for figures that count."
        );
    }
    machine::raise_open_files();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?;
    // The server is started by this thread, which lives as long as it.
    runtime.block_on(all_steps(&setup, server))
}

async fn all_steps(setup: &Setup, options: &ServerOptions) -> anyhow::Result<Run> {
    setup.display.now("starting the server");
    let mut server = Server::new(options).await?;
    let mut run = Run {
        schema: REPORT_SCHEMA,
        began_at: clock::unix_seconds(),
        seed: setup.load.seed,
        machine: machine::describe(),
        server: capacity::measured::Server {
            url: server.url().to_owned(),
            own: server.is_own(),
            settings: options.settings.clone(),
            version: env!("CARGO_PKG_VERSION").into(),
        },
        mix: setup.load.mix.clone(),
        slo: setup.load.slo,
        find_max: setup.load.find_max,
        steps: Vec::new(),
        stages: capacity::calibration::Stages::default(),
        validation: None,
    };
    let ended = each_step(setup, &mut server, &mut run).await;
    // Also what was made before it went wrong.
    server.leave().await;
    ended.map(|()| run)
}

async fn each_step(setup: &Setup, server: &mut Server, run: &mut Run) -> anyhow::Result<()> {
    let mut steps = Steps::new(&setup.load);
    let commits = stages::commits(server).await;
    while let Some(plan) = steps.next_plan() {
        let measured = tokio::select! {
            measured = conduct::hold(server, setup, plan) => measured?,
            () = interrupted() => anyhow::bail!("interrupted"),
        };
        run.stages = stages::since(&commits, &stages::commits(server).await);
        let met = measured.is_valid() && measured.is_whole() && measured.meets(&setup.load.slo);
        steps.took(plan.clients, met);
        let complaints = measured.complaints.clone();
        run.steps.push(measured);
        let shown = report::row(run, run.steps.len() - 1);
        setup.display.line(&shown);
        complaints.iter().for_each(|why| setup.display.line(&format!("  {why}")));
    }
    Ok(())
}

/// Goose catches Ctrl-C, and can only tell between the lives of its users.
async fn interrupted() {
    while !goose::is_killswitch_triggered() {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Writes the report in all its forms into a folder, and the calibration that comes of it.
///
/// # Errors
/// It cannot be written.
pub fn write_report(run: &Run, comparison: Option<&Comparison>, folder: &Path) -> anyhow::Result<()> {
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    };
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    write("report.html", &report::html(run, comparison))?;
    write("report.md", &report::markdown(run, comparison))?;
    write("report.json", &run.to_json())?;
    if let Some(calibration) = run.calibration() {
        write("calibration.json", &calibration.to_json())?;
    }
    Ok(())
}
