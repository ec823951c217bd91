//! The handover: the socket itself goes from `_wfe` over `_sfe` to `_stream`, with every byte and whoever dies.

use std::{
    io::Write,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::Duration,
};

use crate::{
    product::{Product, eventually, kill},
    raw::{BINARY, Frame, LAST, Raw, TEXT, close, frame, upgrade},
};

/// Sends a request head with a first frame behind it, and reads the echo of it.
fn greets(product: &Product, text: &str) {
    let mut raw = Raw::connect(product);
    raw.send(&[upgrade(product.address(), &[]).as_bytes(), &frame(LAST | TEXT, text.as_bytes())].concat());
    raw.upgraded();
    assert_eq!(raw.receive(), Some(Frame(TEXT, text.into())), "the first frame is lost");
    raw.send(&close(1000, ""));
    assert_eq!(raw.closed_with(), Some(1000));
}

#[test]
fn frames_behind_the_request_head_are_not_lost_however_the_bytes_are_cut() {
    book::claims!("handover-unseen", 1);
    let product = Product::start_with(&["--echo"]);
    let head = upgrade(product.address(), &[]);
    let frames: Vec<u8> = (0..20).flat_map(|n| frame(LAST | BINARY, &vec![n; 100 * usize::from(n)])).collect();
    let bytes = [head.as_bytes(), &frames].concat();
    let cuts = [1, 3, head.len() / 2, head.len() - 1, head.len(), head.len() + 1, head.len() + 7, bytes.len() - 1];
    for cut in cuts.iter().copied().chain([bytes.len()]) {
        let mut raw = Raw::connect(&product);
        let (first, second) = bytes.split_at(cut);
        raw.send(first);
        // So that they do not travel in one segment.
        std::thread::sleep(Duration::from_millis(20));
        raw.send(second);
        raw.upgraded();
        for n in 0..20 {
            let payload = vec![n; 100 * usize::from(n)];
            assert_eq!(raw.receive(), Some(Frame(BINARY, payload)), "frame {n}, cut at {cut}");
        }
    }
    let mut raw = Raw::connect(&product);
    for byte in &bytes[..head.len() + 9] {
        raw.send(&[*byte]);
    }
    raw.upgraded();
    assert_eq!(raw.receive(), Some(Frame(BINARY, vec![])), "byte by byte");
}

#[test]
fn as_much_as_a_head_may_be_followed_by_arrives() {
    let product = Product::start_with(&["--echo"]);
    let payload: Vec<u8> = (0..500_000u32).map(|n| n as u8).collect();
    let mut raw = Raw::connect(&product);
    let sent = [upgrade(product.address(), &[]).as_bytes(), &frame(LAST | BINARY, &payload)].concat();
    let mut sender = raw.stream.try_clone().unwrap();
    let sending = std::thread::spawn(move || sender.write_all(&sent));
    raw.upgraded();
    assert!(raw.receive() == Some(Frame(BINARY, payload)), "500,000 bytes behind the head");
    sending.join().unwrap().unwrap();
}

#[test]
fn five_hundred_quick_handovers_lose_no_first_frame() {
    book::claims!("handover-unseen", 1);
    let product = Product::start_with(&["--echo"]);
    std::thread::scope(|scope| {
        for thread in 0..5 {
            let product = &product;
            scope.spawn(move || (0..100).for_each(|n| greets(product, &format!("hello {n} of {thread}"))));
        }
    });
}

#[test]
fn killed_processes_lose_no_connection_that_is_being_handed_over() {
    book::claims!("handover-copy", 1);
    book::claims!("C10", 1);
    for kind in ["_sfe", "_wfe"] {
        let product = Product::start_with(&["--echo"]);
        let (over, greeted) = (AtomicBool::new(false), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for thread in 0..6 {
                let (product, over, greeted) = (&product, &over, &greeted);
                scope.spawn(move || {
                    while !over.load(Ordering::Relaxed) {
                        if kind == "_sfe" {
                            greets(product, &format!("hello of {thread}"));
                            greeted.fetch_add(1, Ordering::Relaxed);
                        } else if outlives_wfe(product) {
                            greeted.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
            for _ in 0..4 {
                let before = greeted.load(Ordering::Relaxed);
                eventually("handovers go on", || (greeted.load(Ordering::Relaxed) > before + 20).then_some(()));
                let killed = eventually("it is there", || product.processes(kind).first().map(|(_, pid)| *pid));
                kill("KILL", killed);
                eventually("it is replaced", || {
                    product.processes(kind).iter().find(|(_, pid)| *pid != killed).map(drop)
                });
            }
            over.store(true, Ordering::Relaxed);
        });
    }
}

/// A request that `_wfe` was reading when it was killed is lost, as HTTP is; but one that got its 101 is a
/// stream, and then nothing of it may be lost.
fn outlives_wfe(product: &Product) -> bool {
    let mut raw = Raw::connect(product);
    raw.send(&[upgrade(product.address(), &[]).as_bytes(), &frame(LAST | TEXT, b"hello")].concat());
    if !raw.is_answered() {
        return false;
    }
    raw.upgraded();
    assert_eq!(raw.receive(), Some(Frame(TEXT, b"hello".to_vec())), "a stream was lost with _wfe");
    true
}

#[test]
fn every_descriptor_is_given_back() {
    let product = Product::start_with_env(&["--echo"], &[("WIDGETAPP_SFE__MAX_INSTANCES", "1")]);
    let all = || {
        let kinds = ["_wfe", "_sfe", "_stream"].iter().flat_map(|kind| product.processes(kind));
        kinds.map(|(_, pid)| pid).chain([product.pid()]).collect::<Vec<_>>()
    };
    let open = |pid: u32| std::fs::read_dir(format!("/proc/{pid}/fd")).expect("it runs").count();
    (0..20).for_each(|n| leave_rudely(&product, n));
    let pids = all();
    // What the first connections made the processes open for good is there now.
    let before = eventually("the processes are at rest", || {
        let counts: Vec<usize> = pids.iter().map(|pid| open(*pid)).collect();
        std::thread::sleep(Duration::from_millis(300));
        (counts == pids.iter().map(|pid| open(*pid)).collect::<Vec<_>>()).then_some(counts)
    });
    (0..300).for_each(|n| leave_rudely(&product, n));
    eventually("all descriptors are closed", || {
        (before == pids.iter().map(|pid| open(*pid)).collect::<Vec<_>>()).then_some(())
    });
    assert_eq!(all(), pids, "no process was replaced meanwhile");
}

/// Goes away at one of the points where a client can.
fn leave_rudely(product: &Product, n: usize) {
    let mut raw = Raw::connect(product);
    let head = upgrade(product.address(), &[]);
    match n % 6 {
        0 => {}
        1 => raw.send(&head.as_bytes()[..40]),
        2 => raw.send(head.as_bytes()),
        3 => raw.send(&[head.as_bytes(), &frame(LAST | TEXT, &[b'x'; 1000])[..500]].concat()),
        4 => {
            raw.send(head.as_bytes());
            raw.upgraded();
            raw.send(&frame(LAST | TEXT, b"hello"));
        }
        _ => {
            raw.send(head.as_bytes());
            raw.upgraded();
            raw.send(&frame(LAST | 3, b"broken"));
            // Closing with unread bytes resets the connection.
        }
    }
}
