//! `-watch`: the table of processes, anew each second. At a terminal it stands still and can be sorted by a key, and
//! each process has a line of its last minute; elsewhere the table, or with `-json` its lines, are printed again and
//! again.

use std::{
    cmp::Ordering,
    collections::{HashMap, VecDeque},
    io::{self, IsTerminal as _, Write as _},
    path::Path,
    time::Duration,
};

use ratatui::{
    DefaultTerminal, Frame,
    crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers},
    layout::{Constraint, Layout},
    style::{Modifier, Style},
    widgets::{Cell, Paragraph, Row, Table},
};
use tokio::{sync::mpsc, time::MissedTickBehavior};
use widgetapp::{
    clock,
    supervisor::admin::{self, ProcessStatus, Request},
};

use crate::table;

/// The server measures as often.
const EVERY: Duration = Duration::from_secs(1);
/// Seconds that the line of a process shows.
const REMEMBERED: usize = 60;
/// From empty to a whole core.
const LEVELS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const KEYS: &str = "q ends   sort by: p process   n clients   c CPU   m memory   i in   o out   w waiting   r restarts";

/// Watches until `q` is pressed, or whoever reads has gone.
///
/// # Errors
/// The server does not answer, or the terminal cannot be used.
pub async fn run(data: &Path, json: bool) -> io::Result<()> {
    if json || !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        return print(data, json).await;
    }
    // Asked first: an error is a line at the terminal as it was.
    let processes = ask(data).await?;
    let terminal = ratatui::init();
    let watched = watch(data, terminal, Watch::new(processes)).await;
    ratatui::restore();
    watched
}

async fn ask(data: &Path) -> io::Result<Vec<ProcessStatus>> {
    let lines = admin::ask(data, &Request::Status).await?.map_err(io::Error::other)?;
    lines.iter().map(|line| serde_json::from_str(line).map_err(io::Error::other)).collect()
}

async fn print(data: &Path, json: bool) -> io::Result<()> {
    loop {
        let processes = ask(data).await?;
        let mut text = if json {
            let lines: Vec<_> = processes.iter().filter_map(|status| serde_json::to_string(status).ok()).collect();
            lines.join("\n")
        } else {
            table::text(&processes) + "\n"
        };
        text.push('\n');
        let mut out = io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            written => written?,
        }
        tokio::time::sleep(EVERY).await;
    }
}

async fn watch(data: &Path, mut terminal: DefaultTerminal, mut watch: Watch) -> io::Result<()> {
    let (pressed, mut keys) = mpsc::channel(16);
    // It ends with the program: what waits for a key cannot be woken.
    std::thread::spawn(move || {
        while let Ok(event) = event::read() {
            if pressed.blocking_send(event).is_err() {
                return;
            }
        }
    });
    let mut due = tokio::time::interval_at((clock::now() + EVERY).into(), EVERY);
    due.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        terminal.draw(|frame| watch.draw(frame))?;
        tokio::select! {
            _ = due.tick() => watch.update(ask(data).await?),
            event = keys.recv() => match event {
                Some(Event::Key(key)) if key.kind == KeyEventKind::Press => {
                    let interrupted = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
                    if interrupted || watch.press(key.code) == Pressed::End {
                        return Ok(());
                    }
                }
                Some(_) => {}
                None => return Ok(()),
            },
        }
    }
}

/// What is shown.
struct Watch {
    processes: Vec<ProcessStatus>,
    /// The processor time of the last minute, in percent of a core.
    history: HashMap<(String, String), VecDeque<f64>>,
    sort: Sort,
}

/// By what the table is sorted: the most first, but for the process itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Process,
    Clients,
    Cpu,
    Memory,
    In,
    Out,
    Waiting,
    Restarts,
}

#[derive(Debug, PartialEq, Eq)]
enum Pressed {
    GoOn,
    End,
}

impl Sort {
    /// What the key stands for.
    fn of(key: KeyCode) -> Option<Self> {
        let KeyCode::Char(letter) = key else { return None };
        Some(match letter.to_ascii_lowercase() {
            'p' => Self::Process,
            'n' => Self::Clients,
            'c' => Self::Cpu,
            'm' => Self::Memory,
            'i' => Self::In,
            'o' => Self::Out,
            'w' => Self::Waiting,
            'r' => Self::Restarts,
            _ => return None,
        })
    }

    fn column(self) -> &'static str {
        match self {
            Self::Process => "PROCESS",
            Self::Clients => "CLIENTS",
            Self::Cpu => "CPU",
            Self::Memory => "MEMORY",
            Self::In => "IN/S",
            Self::Out => "OUT/S",
            Self::Waiting => "QUEUE",
            Self::Restarts => "RESTARTS",
        }
    }

    fn compare(self, a: &ProcessStatus, b: &ProcessStatus) -> Ordering {
        let by = |value: fn(&ProcessStatus) -> Option<f64>| {
            let value = |status| value(status).unwrap_or(-1.0);
            value(b).total_cmp(&value(a))
        };
        match self {
            // As the server tells them.
            Self::Process => Ordering::Equal,
            Self::Clients => by(|status| status.clients.map(f64::from)),
            Self::Cpu => by(|status| status.cpu_percent),
            Self::Memory => by(|status| status.memory_bytes.map(|bytes| bytes as f64)),
            Self::In => by(|status| status.received_per_second),
            Self::Out => by(|status| status.sent_per_second),
            Self::Waiting => by(|status| status.waiting_bytes.map(|bytes| bytes as f64)),
            Self::Restarts => by(|status| Some(status.restarts as f64)),
        }
    }
}

impl Watch {
    fn new(processes: Vec<ProcessStatus>) -> Self {
        let mut watch = Self { processes: Vec::new(), history: HashMap::new(), sort: Sort::Process };
        watch.update(processes);
        watch
    }

    /// A second has passed.
    fn update(&mut self, processes: Vec<ProcessStatus>) {
        let mut before = std::mem::take(&mut self.history);
        for status in &processes {
            let name = (status.process.clone(), status.id.clone());
            let mut line = before.remove(&name).unwrap_or_default();
            line.push_back(status.cpu_percent.unwrap_or(0.0));
            if line.len() > REMEMBERED {
                line.pop_front();
            }
            self.history.insert(name, line);
        }
        self.processes = processes;
    }

    fn press(&mut self, key: KeyCode) -> Pressed {
        if matches!(key, KeyCode::Char('q' | 'Q') | KeyCode::Esc) {
            return Pressed::End;
        }
        self.sort = Sort::of(key).unwrap_or(self.sort);
        Pressed::GoOn
    }

    fn draw(&self, frame: &mut Frame) {
        let mut sorted: Vec<&ProcessStatus> = self.processes.iter().collect();
        sorted.sort_by(|a, b| self.sort.compare(a, b));
        let rows: Vec<_> = sorted.iter().map(|status| table::cells(status)).collect();
        let head = table::HEAD.map(str::to_owned);
        let widths = table::widths(&[&rows[..], &[head]].concat());
        let constraints = widths.map(|width| Constraint::Length(u16::try_from(width).unwrap_or(u16::MAX)));
        let constraints = constraints.into_iter().chain([Constraint::Min(0)]);
        let bold = Style::new().add_modifier(Modifier::BOLD);
        let titles = table::HEAD.into_iter().chain(["CPU, LAST MINUTE"]).map(|title| {
            let style = if title == self.sort.column() { bold.add_modifier(Modifier::REVERSED) } else { bold };
            Cell::new(title).style(style)
        });
        let lines = sorted.iter().zip(rows).map(|(status, row)| {
            let style = if status.rogue.is_some() { bold } else { Style::new() };
            Row::new(row.into_iter().chain([self.line(status)])).style(style)
        });
        let table = Table::new(lines, constraints).header(Row::new(titles)).column_spacing(2);
        let [above, below] = Layout::vertical([Constraint::Min(0), Constraint::Length(1)]).areas(frame.area());
        frame.render_widget(table, above);
        frame.render_widget(Paragraph::new(KEYS), below);
    }

    /// A sign for each second. A whole core fills it, or the most that there was, if that is more.
    fn line(&self, status: &ProcessStatus) -> String {
        let Some(line) = self.history.get(&(status.process.clone(), status.id.clone())) else { return String::new() };
        let full = line.iter().copied().fold(100.0, f64::max);
        let level = |percent: &f64| (percent / full * (LEVELS.len() - 1) as f64).ceil().max(0.0) as usize;
        line.iter().map(|percent| LEVELS[level(percent).min(LEVELS.len() - 1)]).collect()
    }
}

#[cfg(test)]
mod tests {
    use ratatui::{Terminal, backend::TestBackend};

    use super::*;

    fn process(id: &str, cpu_percent: f64, clients: u32) -> ProcessStatus {
        ProcessStatus {
            process: "_sfe".into(),
            id: id.into(),
            pid: Some(7),
            state: "running".into(),
            clients: Some(clients),
            cpu_percent: Some(cpu_percent),
            cpu_seconds: Some(1.0),
            memory_bytes: Some(10 << 20),
            resident_bytes: Some(20 << 20),
            received_per_second: Some(1.0),
            sent_per_second: Some(2.0),
            received: Some(1),
            sent: Some(2),
            waiting_bytes: Some(0),
            uptime_seconds: 60,
            restarts: 0,
            rogue: None,
            rogue_restarts: 0,
            left_alone: false,
        }
    }

    /// The screen, line by line.
    fn screen(watch: &Watch) -> Vec<String> {
        let mut terminal = Terminal::new(TestBackend::new(180, 6)).unwrap();
        terminal.draw(|frame| watch.draw(frame)).unwrap();
        let cells = terminal.backend().buffer().content().chunks(180);
        cells.map(|line| line.iter().map(|cell| cell.symbol()).collect::<String>().trim_end().to_owned()).collect()
    }

    #[test]
    fn a_key_sorts_the_table_with_the_most_first() {
        let mut watch = Watch::new(vec![process("1", 5.0, 9), process("2", 80.0, 1)]);
        let ids = |watch: &Watch| -> Vec<String> {
            screen(watch)[1..3].iter().map(|line| line.split_whitespace().nth(1).unwrap().to_owned()).collect()
        };
        assert_eq!(ids(&watch), ["1", "2"]);
        assert_eq!(watch.press(KeyCode::Char('c')), Pressed::GoOn);
        assert_eq!(ids(&watch), ["2", "1"]);
        watch.press(KeyCode::Char('n'));
        assert_eq!(ids(&watch), ["1", "2"]);
        assert_eq!(watch.press(KeyCode::Char('q')), Pressed::End);
    }

    #[test]
    fn the_line_of_a_process_shows_its_last_minute() {
        let mut watch = Watch::new(vec![process("1", 0.0, 0)]);
        for percent in [50.0, 100.0] {
            watch.update(vec![process("1", percent, 0)]);
        }
        assert_eq!(watch.line(&watch.processes[0]), " ▄█");
        for _ in 0..100 {
            watch.update(vec![process("1", 1.0, 0)]);
        }
        assert_eq!(watch.line(&watch.processes[0]), "▁".repeat(REMEMBERED));
        watch.update(Vec::new());
        assert!(watch.history.is_empty(), "what is gone is forgotten");
    }

    #[test]
    fn the_keys_stand_at_the_bottom() {
        let shown = screen(&Watch::new(vec![process("1", 0.0, 0)]));
        assert!(shown[0].starts_with("PROCESS  ID") && shown[5].starts_with("q ends"), "{shown:?}");
    }
}
