//! The bare limit: a process that writes frames, encoded beforehand, to plain TCP connections.
//! It knows no protocol, keeps nothing, and answers nobody.

use std::{
    io::{IoSlice, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use super::{machine::now_nanos, receiver};

/// Bytes of a delivery: header and payload.
pub const FRAME_BYTES: usize = 200;

/// The process: `listeners` connections, `per_second` messages to each (0: as fast as it goes),
/// `joined` frames in one write, for so many milliseconds.
pub fn main(arguments: &[String]) {
    let number = |index: usize| arguments[index].parse::<usize>().unwrap();
    let (listeners, per_second, joined, millis) = (number(0), number(1), number(2), number(3));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("{}", listener.local_addr().unwrap().port());
    let mut clients: Vec<TcpStream> = (0..listeners).map(|_| listener.accept().unwrap().0).collect();
    for client in &clients {
        client.set_nodelay(true).unwrap();
    }
    // Whoever started it says when all are there.
    let _ = std::io::stdin().read(&mut [0]);
    let begin = Instant::now();
    let until = begin + Duration::from_millis(millis as u64);
    let mut sent: u64 = 0;
    while Instant::now() < until {
        if per_second > 0 {
            let due = begin + Duration::from_nanos(sent * 1_000_000_000 / per_second as u64);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        let frames: Vec<Vec<u8>> = (0..joined).map(|_| frame(now_nanos())).collect();
        for client in &mut clients {
            let mut slices: Vec<IoSlice<'_>> = frames.iter().map(|frame| IoSlice::new(frame)).collect();
            let mut left = &mut slices[..];
            while !left.is_empty() {
                let written = client.write_vectored(left).unwrap();
                IoSlice::advance_slices(&mut left, written);
            }
        }
        sent += joined as u64;
    }
    println!("{sent}");
    let _ = std::io::stdin().read(&mut [0]);
}

fn frame(nanos: u64) -> Vec<u8> {
    let payload = receiver::marked(nanos, FRAME_BYTES - 4);
    let mut frame = vec![0x82, 126];
    frame.extend_from_slice(&(payload.len() as u16).to_be_bytes());
    frame.extend_from_slice(payload.as_bytes());
    frame
}

/// The process as the benchmark sees it.
pub struct Bare {
    process: Child,
    port: u16,
}

impl Bare {
    /// Starts it.
    pub fn start(listeners: usize, per_second: usize, joined: usize, run: Duration) -> Self {
        let numbers = [listeners, per_second, joined, run.as_millis() as usize].map(|number| number.to_string());
        let mut process = Command::new(std::env::current_exe().unwrap())
            .arg("--bare")
            .args(numbers)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let port = line(&mut process).parse().unwrap();
        Self { process, port }
    }

    /// One connection to it.
    pub async fn connect(&self) -> tokio::net::TcpStream {
        tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.unwrap()
    }

    /// Lets it send.
    pub fn go(&mut self) {
        self.process.stdin.as_mut().unwrap().write_all(b"g").unwrap();
    }

    /// Its operating-system id.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn line(process: &mut Child) -> String {
    let mut text = String::new();
    let out = process.stdout.as_mut().unwrap();
    let mut byte = [0];
    while out.read(&mut byte).unwrap() == 1 && byte[0] != b'\n' {
        text.push(byte[0] as char);
    }
    text
}
