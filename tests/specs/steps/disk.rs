//! A disk that takes nothing for a while, and files that cannot be opened: somebody else holds the lock of the log's
//! file, or a process is limited in what it may have.

use std::{net::TcpStream, sync::Arc};

use cucumber::{given, then, when};
use rusqlite::Connection;
use serde_json::json;

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

use super::{Kind, processes::only};
use crate::{
    product::Installation,
    scene::{Scene, aside, until},
};

/// Questions that a program asks to see whether anything comes before their answers.
const QUESTIONS: usize = 10;

#[given("the disk takes nothing")]
#[when("the disk takes nothing")]
async fn locked(scene: &mut Scene) {
    let log = Connection::open(scene.product().data().join("log.db")).expect("the log is there");
    log.execute_batch("BEGIN IMMEDIATE").expect("nobody else writes at the moment");
    scene.lock = Some(log);
}

#[when("the disk takes changes again")]
async fn unlocked(scene: &mut Scene) {
    drop(scene.lock.take().expect("the feature has said that it takes nothing"));
}

#[given("there is no room on the disk")]
async fn no_room(scene: &mut Scene) {
    limit(scene, "_wfe", Resource::Fsize, Some(0)).await;
}

#[when("there is room on the disk again")]
async fn room_again(scene: &mut Scene) {
    limit(scene, "_wfe", Resource::Fsize, None).await;
}

#[given(expr = "the {kind} may open no more files")]
async fn no_files(scene: &mut Scene, kind: Kind) {
    // Those that it has stay open.
    limit(scene, &kind, Resource::Nofile, Some(3)).await;
}

#[given("the _wfe has as many files open as it may")]
async fn uses_up_its_files(scene: &mut Scene) {
    let pid = only(scene, "_wfe").await;
    let open = || {
        let files = std::fs::read_dir(format!("/proc/{pid}/fd")).expect("it runs");
        let numbers = files.filter_map(|file| file.ok()?.file_name().to_str()?.parse::<u64>().ok());
        numbers.collect::<Vec<_>>()
    };
    let most = open().into_iter().max().expect("it has files") + 1;
    limit(scene, "_wfe", Resource::Nofile, Some(most)).await;
    // Connections on which nothing is asked take the numbers that are still free; those above that are refused.
    let address = scene.product().address().to_owned();
    scene.idle = (0..most).map(|_| TcpStream::connect(&address).expect("the system takes it")).collect();
    until("no number is free", || (open().len() as u64 == most).then_some(())).await;
}

#[given(expr = "WidgetApp is started where {int} files may be open at first, and {int} at most")]
async fn few_files(scene: &mut Scene, first: u64, most: u64) {
    let installation = aside(Installation::new).await;
    installation.put_script(&format!("ulimit -Sn {first}; ulimit -Hn {most}; exec \"$REAL\" \"$@\""));
    scene.installation = Some(Arc::new(installation));
    scene.start().await;
}

#[then(expr = "each process may have {int} files open")]
async fn may_open(scene: &mut Scene, most: u64) {
    for kind in ["_wfe", "_sfe", "_stream"] {
        let pid = only(scene, kind).await;
        let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).expect("it runs");
        let files = limits.lines().find(|line| line.starts_with("Max open files")).expect("it is limited");
        let allowed: Vec<_> = files.split_whitespace().skip(3).take(2).collect();
        assert_eq!(allowed, [most.to_string(), most.to_string()], "{kind}");
    }
}

#[when(expr = "the {kind} may open files again")]
async fn files_again(scene: &mut Scene, kind: Kind) {
    limit(scene, &kind, Resource::Nofile, None).await;
}

/// Sets what the only process of a kind may have at most; without a number, what these tests may have.
async fn limit(scene: &Scene, kind: &str, resource: Resource, most: Option<u64>) {
    let [(_, pid)] = scene.processes(kind).await[..] else { panic!("one {kind}") };
    let enough = getrlimit(resource);
    let limit = most.map_or(enough, |most| Rlimit { current: Some(most), maximum: enough.maximum });
    prlimit(i32::try_from(pid).ok().and_then(Pid::from_raw), resource, limit).expect("it runs");
}

#[then(expr = "{string} and {string} have heard nothing of it, while everything else is answered")]
async fn silent(scene: &mut Scene, writer: String, reader: String) {
    for name in [writer, reader] {
        for _ in 0..QUESTIONS {
            let name = &name;
            scene.program(name).request(json!({"port": 200, "name": "widgetApp_useraction_scroll"})).await;
        }
        let seen = scene.program(&name).seen();
        let edits = seen.messages.iter().filter(|message| message["name"] == "widgetApp_useraction_edit").count();
        assert_eq!(edits, 0, "\"{name}\" has heard of a change that is not on the disk");
    }
}
