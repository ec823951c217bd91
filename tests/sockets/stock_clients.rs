//! Clients of other people: `websockets` of Python and `ws` of Node, which know the contract only; and Yjs with the
//! provider of `y-websocket`, as any editor uses it.
//!
//! They are looked for where TEST_PYTHON and TEST_NODE_PATH say. Without them these tests are skipped, but
//! not with CI=true.

use std::{
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};
use widgetapp::{
    client::{EditBody, Event},
    protocol::action::Form,
};

use crate::{
    live,
    product::{Product, eventually, kill},
};

const A_MINUTE: Duration = Duration::from_secs(60);
const EDITS: u64 = 20;

fn script(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "sockets", "stock", name].iter().collect()
}

/// Python, if it has the package.
fn python() -> Option<Command> {
    let program = std::env::var_os("TEST_PYTHON").unwrap_or_else(|| "python3".into());
    let found = works(Command::new(&program).args(["-c", "import websockets"]));
    found_or_skipped(found, "python3 with the package websockets (TEST_PYTHON)").then(|| Command::new(&program))
}

/// Node, if it finds the packages.
fn node(packages: &[&str]) -> Option<Command> {
    let node = || {
        let mut node = Command::new("node");
        if let Some(path) = std::env::var_os("TEST_NODE_PATH") {
            node.env("NODE_PATH", path);
        }
        node
    };
    let needed: String = packages.iter().map(|package| format!("require('{package}');")).collect();
    let found = works(node().args(["-e", &needed]));
    let what = format!("node with the packages {} (TEST_NODE_PATH)", packages.join(", "));
    found_or_skipped(found, &what).then(node)
}

fn works(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

fn found_or_skipped(found: bool, what: &str) -> bool {
    let in_ci = std::env::var_os("CI").is_some_and(|ci| ci == "true");
    assert!(found || !in_ci, "{what} is needed, and in CI nothing is skipped");
    if !found {
        eprintln!("skipped: {what} is not here");
    }
    found
}

/// Starts a program at the product's stream, as ada.
fn start(mut program: Command, script_name: &str, product: &Product, token: &str) -> Child {
    let url = format!("{}/_stream", product.url().replacen("http", "ws", 1));
    program.arg(script(script_name)).args([url, product.welcome(), EDITS.to_string()]).env("TOKEN", token);
    program.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("it starts")
}

#[test]
fn websockets_of_python_hears_every_edit_in_order() {
    let Some(python) = python() else { return };
    let product = Product::start();
    let mut listener = start(python, "listen.py", &product, &live::token(&product, "grace"));
    let mut lines = BufReader::new(listener.stdout.take().unwrap()).lines().map(Result::unwrap);
    let open = lines.next().expect("it opens the Thing");
    let first = open.strip_prefix("open ").and_then(|offset| offset.parse::<u64>().ok()).expect("an offset") + 1;
    let (thing, ada) = (product.welcome(), live::login(&product, "ada"));
    live::run(A_MINUTE, async {
        let (client, _) = live::connect(&product, &ada).await;
        for n in 0..EDITS {
            let patch = json!([{"op": "add", "path": "/meta/stock", "value": n}]);
            client.edit(&thing, EditBody::Patch(patch)).await.unwrap();
        }
    });
    let heard: Vec<Value> = lines.map(|line| serde_json::from_str(&line).unwrap()).collect();
    assert!(listener.wait().unwrap().success());
    assert_eq!(heard.len() as u64, EDITS);
    for (n, change) in (0..).zip(heard) {
        assert_eq!((&change["offset"], &change["patch"][0]["value"]), (&json!(first + n), &json!(n)));
    }
}

#[test]
fn ws_of_node_edits_and_others_see_it() {
    let Some(node) = node(&["ws"]) else { return };
    let product = Product::start();
    let (thing, grace) = (product.welcome(), live::login(&product, "grace"));
    let token = live::token(&product, "ada");
    live::run(A_MINUTE, async {
        let (client, mut events) = live::connect(&product, &grace).await;
        let first = client.open(&thing, Form::Json).await.unwrap().offset + 1;
        let editor = start(node, "edit.js", &product, &token);
        let output = tokio::task::spawn_blocking(|| editor.wait_with_output().unwrap()).await.unwrap();
        let offsets: Vec<u64> =
            String::from_utf8(output.stdout).unwrap().lines().map(|line| line.parse().unwrap()).collect();
        assert!(output.status.success());
        assert_eq!(offsets, (first..first + EDITS).collect::<Vec<_>>());
        for n in 1..=EDITS {
            let value = live::until(&mut events, "an edit", |event| match event {
                Event::Message(mut push) if push.offset.is_some() => Some(push.body["patch"][0]["value"].take()),
                _ => None,
            })
            .await;
            assert_eq!(value, json!(n));
        }
    });
}

/// Two editors that only know Yjs type at the same time, one of them by tickets, while processes are killed and the
/// network goes: in the end both have all, and so has the server.
#[test]
fn editors_with_the_stock_provider_stay_together_through_it_all() {
    book::claims!("yjs-provider", 1);
    book::claims!("yjs-restart", 1);
    let Some(mut node) = node(&["ws", "yjs", "y-websocket"]) else { return };
    let product = Product::start();
    node.arg(script("editors.js")).args([product.url(), &product.welcome()]);
    node.env("ADA", live::token(&product, "ada")).env("GRACE", live::token(&product, "grace"));
    let mut editors = node.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
    let mut stdin = editors.stdin.take().expect("it is piped");
    for line in BufReader::new(editors.stdout.take().expect("it is piped")).lines() {
        let line = line.expect("text");
        if let Some(kind) = line.strip_prefix("kill ") {
            product.processes(kind).into_iter().for_each(|(_, pid)| kill("KILL", pid));
            eventually("another takes its place", || (!product.processes(kind).is_empty()).then_some(()));
            writeln!(stdin, "killed").expect("it reads");
        } else {
            println!("{line}");
        }
    }
    assert!(editors.wait().expect("it ends").success(), "it says why");
}
