//! What the administrator and Prometheus see of a running server.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

use cucumber::{gherkin::Step, then, when};
use prometheus_parse::{Sample, Scrape, Value as Sampled};
use serde_json::{Value, json};
use widgetapp::client::EditBody;

use super::{Kind, Name};
use crate::{
    program::{Opening, Program},
    scene::{Scene, aside, in_time, until, until_async},
    screen::Screen,
    web,
};

const KINDS: [&str; 3] = ["_wfe", "_sfe", "_stream"];

/// The lines of `-status -json`.
async fn status(scene: &mut Scene) -> Vec<Value> {
    scene.admin(&["-status", "-json"]).await;
    let (_, lines, _) = scene.command.as_ref().expect("it was run");
    lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// The line of the only process of this kind.
async fn status_of(scene: &mut Scene, kind: &str) -> Value {
    let mut all = status(scene).await;
    all.retain(|process| process["process"] == kind);
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

/// Waits until the lines of the status are such.
async fn until_status(scene: &mut Scene, what: &str, fits: impl Fn(&[Value]) -> bool) {
    until_async(what, async || fits(&status(scene).await).then_some(())).await;
}

#[when(expr = "{person} makes {int} changes")]
async fn makes_changes(scene: &mut Scene, name: Name, count: usize) {
    for number in 0..count {
        let patch = json!([{"op": "add", "path": "/meta/count", "value": number}]);
        let client = scene.person(&name).client();
        let reply = client.start_edit(&scene.thing, EditBody::Patch(patch)).await.expect("the connection stands");
        in_time("the edit is acknowledged", reply).await.expect("the edit is taken");
    }
}

#[then(expr = "the status shows {int} clients of the {kind} and of the {kind}")]
async fn shows_clients(scene: &mut Scene, clients: u64, one: Kind, other: Kind) {
    let of_both = |process: &&Value| process["process"] == *one || process["process"] == *other;
    let fits = |all: &[Value]| all.iter().filter(of_both).all(|process| process["clients"] == clients);
    until_status(scene, "both have as many clients", fits).await;
}

#[then(expr = "the status shows that both had at least {int} messages from clients and passed on as many")]
async fn shows_messages(scene: &mut Scene, count: u64) {
    let many = |value: &Value| value.as_u64().is_some_and(|messages| messages >= count);
    let front_ends = |process: &&Value| process["process"] != "_wfe";
    let fits = |all: &[Value]| {
        all.iter().filter(front_ends).all(|process| many(&process["received"]) && many(&process["sent"]))
    };
    until_status(scene, "both had the messages", fits).await;
    until_status(scene, "messages are shown per second, too", |all| {
        all.iter().filter(front_ends).all(|process| process["received_per_second"].is_number())
    })
    .await;
}

#[then("the status shows what every process takes of the processor and of memory")]
async fn shows_what_is_taken(scene: &mut Scene) {
    let takes = |process: &Value| {
        process["cpu_percent"].is_number() && process["memory_bytes"].as_u64().is_some_and(|bytes| bytes > 1 << 20)
    };
    until_status(scene, "every process is measured", |all| all.len() == 3 && all.iter().all(takes)).await;
}

#[then(expr = "the kernel says the same of the memory of the {kind}")]
async fn same_as_kernel(scene: &mut Scene, kind: Kind) {
    until_async("the status and the kernel say the same", async || {
        let process = status_of(scene, &kind).await;
        let rollup = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", process["pid"])).expect("it runs");
        let of = |name: &str| -> f64 {
            let line = rollup.lines().find_map(|line| line.strip_prefix(name)).expect("it is told");
            line.trim().trim_end_matches(" kB").parse::<f64>().expect("a number") * 1024.0
        };
        // They look at different moments.
        let same =
            |key: &str, name: &str| process[key].as_f64().is_some_and(|told| (told / of(name) - 1.0).abs() < 0.3);
        (same("resident_bytes", "Rss:") && same("memory_bytes", "Pss:")).then_some(())
    })
    .await;
}

#[when("the administrator watches at a terminal")]
async fn watches(scene: &mut Scene) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_widgetapp_admin"));
    command.arg("-data").arg(scene.product().data()).arg("-watch").env("TERM", "xterm");
    scene.screen = Some(Screen::run(command));
}

fn screen(scene: &mut Scene) -> &mut Screen {
    scene.screen.as_mut().expect("the administrator watches")
}

/// Waits until the lines of the terminal are such.
async fn until_screen(scene: &mut Scene, what: &str, fits: impl Fn(&[String]) -> bool) {
    let screen = screen(scene);
    let shown = || (screen.is_picture() && fits(&screen.lines())).then_some(());
    until(&format!("the terminal shows {what}"), shown).await;
}

#[then(expr = "the terminal shows the columns {string}")]
async fn shows_columns(scene: &mut Scene, columns: String) {
    let columns: Vec<&str> = columns.split(' ').collect();
    until_screen(scene, "the columns", |lines| {
        lines[0].split_whitespace().take(columns.len()).eq(columns.iter().copied())
    })
    .await;
}

#[then(expr = "the terminal shows the processes in the order {string}")]
async fn shows_order(scene: &mut Scene, order: String) {
    let shown = |lines: &[String]| -> Vec<String> {
        lines[1..4].iter().map(|line| line.split_whitespace().next().unwrap_or_default().to_owned()).collect()
    };
    until_screen(scene, &order, |lines| shown(lines).join(", ") == order).await;
}

#[then("the terminal shows that messages come in")]
async fn shows_coming_in(scene: &mut Scene) {
    until_screen(scene, "messages per second", |lines| {
        let at = lines[0].find("IN/S").unwrap_or(0);
        let rate = |line: &String| line.chars().skip(at).take_while(|letter| *letter != ' ').collect::<String>();
        lines[1..4].iter().filter_map(|line| rate(line).parse::<f64>().ok()).any(|rate| rate > 0.0)
    })
    .await;
}

#[then(expr = "the terminal shows a line of the last seconds beside the {kind}")]
async fn shows_history(scene: &mut Scene, kind: Kind) {
    until_screen(scene, "a line", |lines| {
        let process = lines.iter().find(|line| line.starts_with(&*kind));
        process.is_some_and(|line| line.contains(|letter| ('▁'..='█').contains(&letter)))
    })
    .await;
}

#[when(expr = "the administrator presses {string}")]
async fn presses(scene: &mut Scene, key: String) {
    screen(scene).press(&key);
}

#[then("the terminal is as it was and the command has succeeded")]
async fn terminal_restored(scene: &mut Scene) {
    let screen = screen(scene);
    let ended = until("the command ends", || screen.ended()).await;
    assert!(ended.success());
    until("the picture is gone", || (!screen.is_picture()).then_some(())).await;
}

#[when(expr = "the administrator runs {string} into a pipe and reads {int} tables")]
async fn reads_tables(scene: &mut Scene, line: String, count: usize) {
    let product = scene.product();
    let read = move || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_widgetapp_admin"))
            .arg("-data")
            .arg(product.data())
            .args(line.split(' ').skip(1))
            .stdout(Stdio::piped())
            .spawn()
            .expect("the command runs");
        let lines = BufReader::new(command.stdout.take().expect("its output is piped")).lines();
        // An empty line ends each.
        let mut text = String::new();
        for line in lines.map_while(Result::ok) {
            text += &line;
            text.push('\n');
            if text.matches("\n\n").count() == count {
                break;
            }
        }
        // Nobody reads any more: it ends by itself.
        (command.wait().expect("it ends").code().unwrap_or(-1), text, String::new())
    };
    scene.command = Some(in_time("the tables are read", aside(read)).await);
}

#[then(expr = "each of them names the {kind}, the {kind} and the {kind}")]
async fn tables_name(scene: &mut Scene, one: Kind, two: Kind, three: Kind) {
    let (code, text, _) = scene.command.as_ref().expect("it was run");
    assert_eq!(*code, 0);
    for table in text.split_terminator("\n\n") {
        let first = |line: &str| line.split_whitespace().next().map(str::to_owned);
        let named: Vec<String> = table.lines().filter_map(first).collect();
        assert_eq!(named, ["PROCESS", &one, &two, &three], "{table}");
    }
}

async fn scrape(scene: &Scene) -> String {
    let answer = reqwest::get(scene.product().metrics_url()).await.expect("the metrics are there");
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    answer.text().await.expect("text")
}

fn parsed(text: &str) -> Scrape {
    Scrape::parse(text.lines().map(|line| Ok(line.to_owned()))).expect("it can be parsed")
}

/// The value of a series, written as in the features: its name, then its labels.
fn value_of(scrape: &Scrape, series: &str) -> f64 {
    let mut words = series.split_whitespace();
    let name = words.next().expect("a name");
    let wanted: BTreeMap<&str, &str> = words.filter_map(|label| label.split_once('=')).collect();
    let fits = |sample: &&Sample| wanted.iter().all(|(label, value)| sample.labels.get(label) == Some(*value));
    // The parser puts the parts of a histogram together, but for count and sum.
    let mut named = scrape.samples.iter().filter(|sample| sample.metric == name).filter(fits);
    match named.next().map(|sample| &sample.value) {
        Some(Sampled::Counter(value) | Sampled::Gauge(value) | Sampled::Untyped(value)) => *value,
        other => panic!("{series} is {other:?}"),
    }
}

#[then("these metrics are reached:")]
async fn are_reached(scene: &mut Scene, step: &Step) {
    let rows = &step.table.as_ref().expect("the metrics are given").rows;
    for row in rows {
        let (series, least) = (&row[0], row[1].parse::<f64>().expect("a number"));
        until_async(&format!("{series} is at least {least}"), async || {
            (value_of(&parsed(&scrape(scene).await), series) >= least).then_some(())
        })
        .await;
    }
}

#[then("every metric is described once, has a type and a name after the conventions, and no series comes twice")]
async fn follow_conventions(scene: &mut Scene) {
    let text = scrape(scene).await;
    assert!(text.ends_with('\n'));
    let (mut described, mut series, mut current) = (BTreeSet::new(), BTreeSet::new(), ("", ""));
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, about) = help.split_once(' ').expect("a text");
            assert!(described.insert(name) && about.ends_with('.'), "{line}");
            let kind =
                lines.next().and_then(|line| line.strip_prefix("# TYPE ")?.strip_prefix(name)?.strip_prefix(' '));
            current = (name, kind.expect("a type behind the help"));
            assert!(name.starts_with("widgetapp_"), "{name}");
            assert_eq!(name.ends_with("_total"), current.1 == "counter", "{name}");
            assert!(["counter", "gauge", "histogram"].contains(&current.1), "{name}");
            // Base units only.
            for unit in ["_ms", "_millis", "_minutes", "_percent", "_kb"] {
                assert!(!name.contains(unit), "{name}");
            }
            continue;
        }
        let (name, value) = line.rsplit_once(' ').expect("a value");
        assert!(series.insert(name), "{name} comes twice");
        assert!(value.parse::<f64>().expect("a number") >= 0.0);
        let metric = name.split('{').next().expect("a name");
        let parts: &[&str] = if current.1 == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
        let belongs = parts.iter().any(|part| metric.strip_suffix(part) == Some(current.0));
        assert!(belongs, "{metric} stands under {}", current.0);
    }
    assert_eq!(parsed(&text).docs.len(), described.len(), "another reader finds as many");
}

#[then(expr = "the address of the metrics answers {string} with {int}")]
async fn metrics_answer(scene: &mut Scene, request: String, status: u16) {
    let (method, path) = request.split_once(' ').expect("METHOD PATH");
    let url = scene.product().metrics_url().replace("/metrics", path);
    let answer = reqwest::Client::new().request(method.parse().expect("a method"), url).send().await;
    assert_eq!(answer.expect("an answer").status().as_u16(), status);
}

#[then("the server listens at one address only")]
async fn listens_once(scene: &mut Scene) {
    // The inodes of the listening sockets, by proc_net_tcp(5): state 0A.
    let listening: BTreeSet<String> = ["tcp", "tcp6"]
        .iter()
        .flat_map(|file| {
            std::fs::read_to_string(format!("/proc/net/{file}"))
                .unwrap_or_default()
                .lines()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .filter(|line| line.split_whitespace().nth(3) == Some("0A"))
        .filter_map(|line| line.split_whitespace().nth(9).map(str::to_owned))
        .collect();
    let open = std::fs::read_dir(format!("/proc/{}/fd", scene.product().pid())).expect("it runs");
    let links =
        open.filter_map(|entry| Some(std::fs::read_link(entry.ok()?.path()).ok()?.to_string_lossy().into_owned()));
    let sockets = links.filter_map(|link| Some(link.strip_prefix("socket:[")?.trim_end_matches(']').to_owned()));
    assert_eq!(sockets.filter(|inode| listening.contains(inode)).count(), 1);
}

#[when("the administrator starts another server whose metrics are at the address of the first")]
async fn metrics_in_use(scene: &mut Scene) {
    scene.variables.push(("WIDGETAPP_METRICS__LISTEN".into(), scene.product().address().to_owned()));
    let folder = tempfile::TempDir::new().expect("a temporary directory");
    let data = folder.path().join("data").display().to_string();
    super::admin::serve(scene, ["--listen", "127.0.0.1:0", "--data", &data].map(str::to_owned).into()).await;
}

#[then("the metrics name neither a person, nor the Thing, nor \"secret\", nor \"made_up\"")]
async fn name_nobody(scene: &mut Scene) {
    let text = scrape(scene).await.to_lowercase();
    let samples: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    for word in ["ada", "grace", "acme", &scene.thing, "secret", "made_up"] {
        let found = samples.iter().find(|line| line.split(['{', '}', '"', ',', '=']).any(|part| part.contains(word)));
        assert!(found.is_none(), "{word} stands in {found:?}");
    }
}

#[when(expr = "{person} changes the Thing without a pause until the status shows the {kind} as rogue by {string}")]
async fn busy_until_rogue(scene: &mut Scene, name: Name, kind: Kind, by: String) {
    let (client, thing) = (scene.person(&name).client().clone(), scene.thing.clone());
    let busy = tokio::spawn(async move {
        for number in 0.. {
            let patch = json!([{"op": "add", "path": "/meta/count", "value": number}]);
            // As many wait for their answers as the client lets wait.
            if client.start_edit(&thing, EditBody::Patch(patch)).await.is_err() {
                return;
            }
        }
    });
    is_rogue(scene, kind, by).await;
    busy.abort();
}

#[then(expr = "the status shows the {kind} as rogue by {string}")]
async fn is_rogue(scene: &mut Scene, kind: Kind, by: String) {
    let process = until_async("it is rogue", async || {
        let process = status_of(scene, &kind).await;
        (process["rogue"] == by).then_some(process)
    })
    .await;
    let pid = process["pid"].as_u64().expect("it runs");
    scene.pids.insert(kind.to_string(), u32::try_from(pid).expect("a pid"));
}

#[then(expr = "the status shows the {kind} as rogue no more")]
async fn is_rogue_no_more(scene: &mut Scene, kind: Kind) {
    until_async("it is rogue no more", async || status_of(scene, &kind).await["rogue"].is_null().then_some(())).await;
}

#[then(expr = "the {kind} is still the same process")]
async fn same_process(scene: &mut Scene, kind: Kind) {
    assert_eq!(status_of(scene, &kind).await["pid"], scene.pids[&*kind]);
}

#[then(expr = "the server's log tells that the {kind} is rogue")]
async fn log_tells_rogue(scene: &mut Scene, kind: Kind) {
    let told = |line: &str| line.contains("is rogue: it takes too much") && line.contains(&format!("process={kind}"));
    assert!(scene.product().log().lines().any(told));
}

#[then(expr = "the server's log tells that the {kind} is left alone")]
async fn log_tells_left_alone(scene: &mut Scene, kind: Kind) {
    let told = |line: &str| line.contains("so it is left alone") && line.contains(&format!("process={kind}"));
    assert_eq!(scene.product().log().lines().filter(|line| told(line)).count(), 1, "it is said once");
}

#[then(expr = "the status shows that the {kind} was restarted {int} times as rogue and is left alone")]
async fn is_left_alone(scene: &mut Scene, kind: Kind, count: u64) {
    until_status(scene, "it is left alone", |all| {
        all.iter().filter(|process| process["process"] == *kind).all(|process| {
            process["rogue_restarts"] == count && process["left_alone"] == true && process["state"] == "running"
        })
    })
    .await;
}

#[then(expr = "the command shows {string} as {string} from {string}")]
async fn shows_setting(scene: &mut Scene, key: String, value: String, from: String) {
    let value = value.replace("ADDRESS", scene.product().address());
    let (code, output, _) = scene.command.as_ref().expect("it was run");
    let line = output.lines().find(|line| line.split_whitespace().next() == Some(&key)).expect("the key is there");
    let rest = line[key.len()..].trim_start();
    let shown = rest.strip_prefix(&value).is_some_and(|rest| rest.trim_start().starts_with(&from));
    assert!(*code == 0 && shown, "{line}");
}

/// The log, line by line.
fn log_lines(scene: &Scene) -> Vec<Value> {
    let log = scene.product().log();
    // The last line may not be finished yet.
    let whole = &log[..log.rfind('\n').map_or(0, |end| end + 1)];
    let lines = whole.lines();
    lines.map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"))).collect()
}

#[then("every line of the log is a JSON object with a time, a level, a process and a message")]
async fn all_json(scene: &mut Scene) {
    let lines = log_lines(scene);
    for line in &lines {
        let text = |key: &str| line[key].as_str().unwrap_or_default();
        assert!(text("time").ends_with('Z') && !text("message").is_empty(), "{line}");
        assert!(["error", "warn", "info", "debug"].contains(&text("level")), "{line}");
        let kind = text("process").split(' ').next().unwrap_or_default();
        assert!(kind == "widgetapp" || KINDS.contains(&kind), "{line}");
    }
    let said: BTreeSet<&str> = lines.iter().filter_map(|line| line["process"].as_str()?.split(' ').next()).collect();
    assert_eq!(said.len(), 4, "every process says something: {said:?}");
}

#[when(expr = "a proxy opens a stream for {person} with the request id {string}")]
async fn proxied_stream(scene: &mut Scene, name: Name, id: String) {
    let token = crate::person::Person::new(scene, &name).login.access_token().await.expect("a token");
    let mut opening = Opening::with_token(&token, widgetapp::protocol::Codec::Json);
    opening.headers.push(("X-Request-Id", id));
    let address = scene.product().address().to_owned();
    let program = Program::connect(&address, opening).await;
    scene.programs.insert("behind the proxy".into(), program);
}

#[then(expr = "lines of the {kind}, the {kind} and the {kind} have the request id {string}")]
async fn have_id(scene: &mut Scene, one: Kind, two: Kind, three: Kind, id: String) {
    for kind in [one, two, three] {
        until_line(scene, &kind, &id).await;
    }
}

#[when(expr = "somebody asks for {string}")]
async fn asks_for(scene: &mut Scene, path: String) {
    scene.answer = Some(web::send(scene, "GET", &path, &[], None).await);
}

#[then(expr = "a line of the {kind} has the request id of the answer")]
async fn has_id_of_answer(scene: &mut Scene, kind: Kind) {
    let id = scene.answer().header("x-request-id").to_owned();
    assert!(!id.is_empty());
    until_line(scene, &kind, &id).await;
}

async fn until_line(scene: &Scene, kind: &str, id: &str) {
    let of_kind =
        |line: &Value| line["process"].as_str().is_some_and(|process| process.split(' ').next() == Some(kind));
    until(&format!("a line of the {kind} has the id"), || {
        log_lines(scene).iter().any(|line| of_kind(line) && line["request_id"] == id).then_some(())
    })
    .await;
}
