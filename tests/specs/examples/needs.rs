//! What examples need to have on the machine, and where it is: the same places as in
//! `tests/sockets/stock_clients.rs`.

use std::{
    ffi::OsString,
    path::Path,
    process::{Command, Stdio},
};

use crate::{report::NotHere, scene::aside};

/// A WebSocket, of its own or of the package `ws`.
const NODE: &str = "if (!globalThis.WebSocket) require('ws')";

/// Ends the step if something is missing: skipped, or failed where nothing may be skipped.
pub async fn check(needs: &[String]) {
    let needs = needs.to_vec();
    let missing = aside(move || needs.into_iter().find(|what| !is_here(what))).await;
    let Some(what) = missing else { return };
    let asked_for = match what.as_str() {
        "python3" | "authlib" => python().is_some(),
        "node" | "openid-client" | "y-websocket" => node_path().is_some(),
        _ => false,
    };
    let why = match what.as_str() {
        "python3" => "python3 with the package websockets (TEST_PYTHON) is not here".to_owned(),
        "authlib" => "python3 with the packages Authlib and requests (TEST_PYTHON) is not here".to_owned(),
        "node" => "node with a WebSocket, or with the package ws (TEST_NODE_PATH), is not here".to_owned(),
        "openid-client" => "node with the package openid-client (TEST_NODE_PATH) is not here".to_owned(),
        "y-websocket" => "node with the packages yjs and y-websocket (TEST_NODE_PATH) is not here".to_owned(),
        "axe-core" => "the package axe-core of Node (TEST_NODE_PATH) is not here".to_owned(),
        what => format!("{what} is not here"),
    };
    let in_ci = std::env::var_os("CI").is_some_and(|ci| ci == "true");
    assert!(!asked_for && !in_ci, "{why}");
    std::panic::panic_any(NotHere(why));
}

/// The Python that was asked for.
pub fn python() -> Option<OsString> {
    std::env::var_os("TEST_PYTHON")
}

/// The packages of Node that were asked for.
pub fn node_path() -> Option<OsString> {
    std::env::var_os("TEST_NODE_PATH")
}

fn is_here(what: &str) -> bool {
    if ["openid-client", "y-websocket", "axe-core"].contains(&what) {
        // Modules are found beside the program alone, so that Node cannot be asked from here.
        return is_here("node") && node_path().is_some_and(|packages| Path::new(&packages).join(what).is_dir());
    }
    let mut command = match what {
        "python3" | "authlib" => Command::new(python().unwrap_or_else(|| "python3".into())),
        what => Command::new(what),
    };
    match what {
        "python3" => command.args(["-c", "import websockets"]),
        "authlib" => command.args(["-c", "import authlib, requests"]),
        "node" => command.args(["-e", NODE]).envs(node_path().map(|path| ("NODE_PATH", path))),
        "nginx" => command.arg("-v"),
        _ => command.arg("--version"),
    };
    let silent = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    silent.status().is_ok_and(|status| status.success())
}
