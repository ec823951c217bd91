//! The processes: their names, their deaths, their end.

use std::collections::BTreeSet;

use crate::product::{Product, eventually, is_alive, kill};

fn all_pids(product: &Product) -> Vec<u32> {
    ["_wfe", "_sfe", "_stream"].iter().flat_map(|kind| product.processes(kind)).map(|(_, pid)| pid).collect()
}

#[test]
fn the_processes_bear_their_names() {
    book::claims!("C31", 1);
    let product = Product::start();
    for kind in ["_wfe", "_sfe", "_stream"] {
        let [(_, pid)] = product.processes(kind)[..] else { panic!("one {kind}") };
        assert_eq!(std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap().trim(), kind);
        let command = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap();
        assert_eq!(command.split(|byte| *byte == 0).next().unwrap(), kind.as_bytes());
    }
}

#[test]
fn a_process_that_is_killed_comes_back() {
    book::claims!("C33", 1);
    book::claims!("killed-comes-back", 1);
    let product = Product::start();
    for kind in ["_stream", "_sfe", "_wfe"] {
        let (_, old) = product.processes(kind)[0].clone();
        kill("KILL", old);
        eventually("it is replaced", || product.processes(kind).iter().find(|(_, pid)| *pid != old).cloned());
    }
}

#[test]
fn sigterm_ends_all_processes_and_exits_with_0() {
    book::claims!("stop", 1);
    let mut product = Product::start();
    let pids = all_pids(&product);
    assert_eq!(product.end("TERM"), Some(0));
    assert!(pids.iter().all(|pid| !is_alive(*pid)));
}

#[test]
fn a_killed_supervisor_leaves_no_process_behind() {
    book::claims!("all-end-together", 1);
    let mut product = Product::start();
    let pids = all_pids(&product);
    product.end("KILL");
    eventually("all are gone", || pids.iter().all(|pid| !is_alive(*pid)).then_some(()));
}

#[test]
fn a_second_server_on_the_same_data_is_refused_in_one_line() {
    book::claims!("data-one-server", 1);
    let product = Product::start();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_widgetapp"))
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(product.data())
        .output()
        .unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), error.lines().count()), (Some(1), 1), "{error}");
    assert!(error.contains("another server uses the data directory"), "{error}");
}

#[test]
fn a_port_in_use_is_told_in_one_line() {
    book::claims!("port-in-use", 1);
    let product = Product::start();
    let other = tempfile::TempDir::new().unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_widgetapp"))
        .args(["serve", "--listen", product.address(), "--data"])
        .arg(other.path())
        .output()
        .unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), error.lines().count()), (Some(1), 1), "{error}");
    assert!(error.contains("--listen"), "{error}");
}

#[test]
fn the_admin_command_tells_when_no_server_is_there() {
    book::claims!("exit-codes", 1);
    let nowhere = tempfile::TempDir::new().unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_widgetapp_admin"))
        .args(["-data".as_ref(), nowhere.path().as_os_str(), "-status".as_ref()])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn the_admin_command_takes_one_dash_or_two() {
    book::claims!("dashes", 1);
    let product = Product::start();
    let names = |(code, out, _): (i32, String, String)| {
        assert_eq!(code, 0);
        out.lines().filter_map(|line| line.split_whitespace().next().map(str::to_owned)).collect::<BTreeSet<_>>()
    };
    assert_eq!(names(product.admin(&["-status"])), names(product.admin(&["--status"])));
    assert_eq!(product.admin(&["-statu"]).0, 2);
}

#[test]
fn a_process_that_cannot_be_started_is_tried_again_and_the_others_go_on() {
    book::claims!("killed-comes-back", 1);
    use rustix::process::{Pid, Resource, Rlimit, prlimit};

    let product = Product::start();
    let (_, old) = product.processes("_sfe")[0].clone();
    let supervisor = Pid::from_raw(i32::try_from(product.pid()).unwrap());
    let enough = rustix::process::getrlimit(Resource::Nofile);
    prlimit(supervisor, Resource::Nofile, Rlimit { current: Some(3), maximum: enough.maximum }).unwrap();
    kill("KILL", old);
    eventually("it is told that it is tried again", || product.log().contains("tried again").then_some(()));
    prlimit(supervisor, Resource::Nofile, enough).unwrap();
    eventually("it is replaced", || product.processes("_sfe").iter().find(|(_, pid)| *pid != old).cloned());
    assert!(is_alive(product.pid()));
}

#[test]
fn every_address_is_announced_on_a_line_of_its_own() {
    book::claims!("says-where", 2);
    let product = Product::start_with(&["--listen", "127.0.0.1:0", "--listen", "127.0.0.1:0"]);
    let all: BTreeSet<&String> = product.urls().iter().collect();
    assert_eq!(all.len(), 2, "{all:?}");
}
