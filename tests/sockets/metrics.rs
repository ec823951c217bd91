//! The address of the metrics, as a careless or hostile program may use it.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use crate::product::{PATIENCE, Product};

/// Connections that are served at once, less one.
const SILENT: usize = 7;

fn product() -> (Product, String) {
    let product = Product::start_with_env(&["--no-demo"], &[("WIDGETAPP_METRICS__LISTEN", "127.0.0.1:0")]);
    let address = product.metrics_url().trim_start_matches("http://").trim_end_matches("/metrics").to_owned();
    (product, address)
}

fn connect(address: &str) -> TcpStream {
    let socket = TcpStream::connect(address).expect("the server listens");
    socket.set_read_timeout(Some(PATIENCE)).expect("not zero");
    socket
}

fn ask(address: &str, request: &str) -> String {
    let mut socket = connect(address);
    socket.write_all(request.as_bytes()).expect("the server reads");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).expect("the server answers and closes");
    answer
}

#[test]
fn programs_that_say_nothing_keep_nobody_from_the_metrics() {
    let (_product, address) = product();
    let _silent: Vec<TcpStream> = (0..SILENT).map(|_| connect(&address)).collect();
    let answer = ask(&address, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("\nwidgetapp_process_up{"), "{answer}");
}

#[test]
fn what_is_no_request_is_refused_and_the_server_goes_on() {
    let (product, address) = product();
    let answer = ask(&address, "\u{16}\u{3}\u{1} this is no HTTP\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(ask(&address, "HEAD /metrics HTTP/1.1\r\nHost: a\r\n\r\n").starts_with("HTTP/1.1 200 "));
    assert_eq!(product.processes("_wfe").len(), 1);
}
