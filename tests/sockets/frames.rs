//! RFC 6455 over a real socket, against `--echo`: the same handover and the same `_stream` as for everybody.

use crate::{
    product::Product,
    raw::{BINARY, CLOSE, Frame, LAST, PING, PONG, Raw, TEXT, close, frame},
};

fn echo() -> Product {
    Product::start_with(&["--echo"])
}

/// A frame whose header says this length, in its longest form, and a few bytes of it.
fn declaring(first: u8, length: u64) -> Vec<u8> {
    let mut bytes = vec![first, 0x80 | 127];
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(b"mask and some bytes");
    bytes
}

#[test]
fn a_frame_that_breaks_the_rules_is_answered_with_the_close_code_of_its_fault() {
    book::claims!("broken-websocket", 1);
    let product = echo();
    let unmasked = |first: u8, payload: &[u8]| [&[first, payload.len() as u8], payload].concat();
    let mut table = vec![
        (1002, "unmasked text", unmasked(LAST | TEXT, b"hi")),
        (1002, "unmasked ping", unmasked(LAST | PING, b"")),
        (1002, "RSV1", frame(LAST | 0x40 | TEXT, b"hi")),
        (1002, "RSV2", frame(LAST | 0x20 | TEXT, b"hi")),
        (1002, "RSV3", frame(LAST | 0x10 | BINARY, b"hi")),
        (1002, "RSV1 on a ping", frame(LAST | 0x40 | PING, b"")),
        (1002, "fragmented ping", frame(PING, b"hi")),
        (1002, "fragmented close", frame(CLOSE, b"")),
        (1002, "ping of 126 bytes", frame(LAST | PING, &[0; 126])),
        (1002, "close of 126 bytes", frame(LAST | CLOSE, &[&[3, 232][..], &[b'x'; 124]].concat())),
        (1002, "continuation of nothing", frame(LAST, b"hi")),
        (1002, "first continuation of nothing", frame(0, b"hi")),
        (1002, "continuation after the end", [frame(LAST | TEXT, b"hi"), frame(LAST, b"hi")].concat()),
        (1002, "text inside a text", [frame(TEXT, b"hi"), frame(LAST | TEXT, b"hi")].concat()),
        (1002, "binary inside a text", [frame(TEXT, b"hi"), frame(BINARY, b"hi")].concat()),
        (1002, "close of one byte", frame(LAST | CLOSE, &[3])),
        (1007, "text of no UTF-8", frame(LAST | TEXT, &[0xff, 0xfe])),
        (1007, "a surrogate", frame(LAST | TEXT, &[0xed, 0xa0, 0x80])),
        (1007, "an overlong slash", frame(LAST | TEXT, &[0xc0, 0xaf])),
        (1007, "text that ends inside a character", frame(LAST | TEXT, &[b'a', 0xce])),
        (1007, "bad UTF-8 over two fragments", [frame(TEXT, &[0xce]), frame(LAST, b"A")].concat()),
        (1007, "close reason of no UTF-8", frame(LAST | CLOSE, &[3, 232, 0xff])),
        (1009, "a length of 2^40", declaring(LAST | BINARY, 1 << 40)),
        (1009, "a length of 2^62", declaring(LAST | BINARY, 1 << 62)),
        // The RFC forbids this bit; tungstenite judges the number before the bit.
        (1009, "length with the top bit", declaring(LAST | BINARY, 1 << 63)),
        (1009, "one byte over the limit", declaring(LAST | TEXT, (32 << 20) + 1)),
    ];
    for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
        table.push((1002, "unknown opcode", frame(LAST | opcode, b"hi")));
    }
    for (code, what, bytes) in table {
        let mut raw = Raw::open(&product);
        raw.send(&bytes);
        assert_eq!(raw.closed_with(), Some(code), "{what}");
    }
}

#[test]
fn fragments_that_grow_over_the_limit_are_answered_with_1009() {
    let product = echo();
    let mut raw = Raw::open(&product);
    let part = vec![b'x'; 11 << 20];
    for first in [BINARY, 0, 0] {
        raw.send(&frame(first, &part));
    }
    assert_eq!(raw.closed_with(), Some(1009));
}

#[test]
fn a_length_in_a_longer_form_than_needed_is_never_misread() {
    let product = echo();
    let hello = frame(LAST | TEXT, b"hello");
    let (mask_and_payload, first) = (&hello[2..], hello[0]);
    for length in [&[0x80 | 126, 0, 5][..], &[0x80 | 127, 0, 0, 0, 0, 0, 0, 0, 5]] {
        let mut raw = Raw::open(&product);
        raw.send(&[&[first], length, mask_and_payload].concat());
        match raw.receive() {
            Some(Frame(TEXT, text)) => assert_eq!(text, b"hello"),
            other => assert_eq!(other.and_then(|frame| frame.close_code()), Some(1002)),
        }
    }
}

#[test]
fn close_codes_are_accepted_as_the_rfc_and_its_registry_say() {
    let product = echo();
    // 1014, for gateways only, is unknown to tungstenite 0.30, which answers 1002.
    let accepted = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 3000, 3999, 4000, 4999];
    let refused = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535];
    for code in accepted {
        let mut raw = Raw::open(&product);
        raw.send(&close(code, "over"));
        assert_eq!(raw.closed_with(), Some(code), "{code} is answered in kind");
    }
    for code in refused {
        let mut raw = Raw::open(&product);
        raw.send(&close(code, "over"));
        assert_eq!(raw.closed_with(), Some(1002), "{code}");
    }
}

#[test]
fn messages_of_every_size_come_back() {
    let product = echo();
    let mut raw = Raw::open(&product);
    for length in [0, 1, 125, 126, 127, 65_535, 65_536, 1 << 20, 16 << 20] {
        for opcode in [TEXT, BINARY] {
            let payload: Vec<u8> = (0..length).map(|at| b'a' + (at % 23) as u8).collect();
            let (sent, mut sender) = (frame(LAST | opcode, &payload), raw.stream.try_clone().unwrap());
            // Apart, for a large message is echoed while it is still being sent.
            let sending = std::thread::spawn(move || std::io::Write::write_all(&mut sender, &sent));
            let Some(Frame(returned, echoed)) = raw.receive() else { panic!("closed at {length} bytes") };
            assert!(returned == opcode && echoed == payload, "{length} bytes, opcode {opcode}");
            sending.join().unwrap().unwrap();
        }
    }
}

#[test]
fn fragments_come_back_as_one_message_and_pings_between_them_are_answered_at_once() {
    let product = echo();
    let mut raw = Raw::open(&product);
    raw.send(&frame(TEXT, "κόσ".as_bytes().split_at(5).0));
    raw.send(&frame(LAST | PING, b"between"));
    assert_eq!(raw.receive(), Some(Frame(PONG, b"between".to_vec())));
    raw.send(&frame(0, b""));
    raw.send(&frame(0, "κόσ".as_bytes().split_at(5).1));
    raw.send(&frame(LAST | PONG, b"unasked"));
    raw.send(&frame(LAST, "με".as_bytes()));
    assert_eq!(raw.receive(), Some(Frame(TEXT, "κόσμε".as_bytes().to_vec())));
    let bytes = "κόσμε".as_bytes();
    let single = bytes.iter().enumerate().flat_map(|(at, byte)| {
        let last = if at + 1 == bytes.len() { LAST } else { 0 };
        frame(last | if at == 0 { TEXT } else { 0 }, &[*byte])
    });
    raw.send(&single.collect::<Vec<u8>>());
    assert_eq!(raw.receive(), Some(Frame(TEXT, bytes.to_vec())));
}

#[test]
fn a_ping_is_answered_with_its_own_payload() {
    let product = echo();
    let mut raw = Raw::open(&product);
    for payload in [&b""[..], b"ping", &[0xff; 125]] {
        raw.send(&frame(LAST | PING, payload));
        assert_eq!(raw.receive(), Some(Frame(PONG, payload.to_vec())));
    }
    let many: Vec<u8> = (0..10).flat_map(|n| frame(LAST | PING, &[n])).collect();
    raw.send(&many);
    for n in 0..10 {
        assert_eq!(raw.receive(), Some(Frame(PONG, vec![n])));
    }
}

#[test]
fn a_close_is_answered_once_and_the_server_closes_the_connection() {
    let product = echo();
    for (sent, answer) in [(close(1000, "bye"), Some(1000)), (frame(LAST | CLOSE, b""), None)] {
        let mut raw = Raw::open(&product);
        raw.send(&[sent, frame(LAST | TEXT, b"after"), close(1001, "again"), frame(LAST | PING, b"after")].concat());
        assert_eq!(raw.closed_with(), answer);
    }
}

#[test]
fn what_was_sent_before_a_close_comes_back_before_its_answer() {
    let product = echo();
    let mut raw = Raw::open(&product);
    let payload = vec![b'x'; 4 << 20];
    let mut sender = raw.stream.try_clone().unwrap();
    let sent = [frame(LAST | BINARY, &payload), close(1000, "bye")].concat();
    let sending = std::thread::spawn(move || std::io::Write::write_all(&mut sender, &sent));
    sending.join().unwrap().unwrap();
    let Some(Frame(BINARY, echoed)) = raw.receive() else { panic!("the echo is lost") };
    assert_eq!(echoed.len(), payload.len());
    assert_eq!(raw.closed_with(), Some(1000));
}

#[test]
fn a_declared_length_takes_no_memory() {
    let product = echo();
    let [(_, stream)] = product.processes("_stream")[..] else { panic!("one _stream") };
    let mut held: Vec<Raw> = Vec::new();
    // Just within the limit, so that the server waits for the rest.
    for _ in 0..5 {
        held.push(Raw::open(&product));
    }
    let before = resident_kib(stream);
    for raw in &mut held {
        raw.send(&declaring(LAST | BINARY, 32 << 20));
        raw.send(&frame(LAST | PING, b"inside"));
    }
    for _ in 0..50 {
        let mut raw = Raw::open(&product);
        raw.send(&declaring(LAST | BINARY, 1 << 40));
        assert_eq!(raw.closed_with(), Some(1009));
    }
    let grown = resident_kib(stream).saturating_sub(before);
    assert!(grown < 8 * 1024, "the process grew by {grown} KiB");
}

/// Resident memory of a process.
pub fn resident_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the process is there");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it has memory");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}
