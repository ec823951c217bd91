//! (e): a real editing session typed as fast as it goes, with readers.

use std::{
    cell::RefCell,
    io::Read,
    rc::Rc,
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio::{io::AsyncWriteExt, task::spawn_local};
use widgetapp::protocol::{Codec, action::Edit, codec::Blob};
use yrs::{Doc, OffsetKind, Options, Text, Transact};

use super::{
    receiver::{self, Seen},
    sender,
    server::Server,
};

const READERS: usize = 10;
const UNANSWERED: u64 = 200;
/// One person's session, from josephg/editing-traces (CC BY 4.0). Not part of this project: put it there,
/// or name its place in the environment variable TRACE.
const TRACE: &str = "../shared/traces/sveltecomponent.json.gz";

pub async fn typed() {
    let (name, edits) = edits();
    println!("(e) {} edits ({name}) typed as Yjs updates, {READERS} readers", edits.len());
    let server = Server::start();
    let mut writer = server.connect(Codec::Cbor).await;
    let thing = server.create(&mut writer).await;
    writer.open(&thing).await;
    let seen = Rc::new(RefCell::new(Seen::default()));
    for _ in 0..READERS {
        let mut reader = server.connect(Codec::Cbor).await;
        reader.open(&thing).await;
        spawn_local(receiver::count(reader.socket, reader.unread, false, seen.clone()));
    }
    let frames: Vec<Vec<u8>> = edits.iter().map(|edit| sender::frame(&mut writer, &thing, edit)).collect();
    let (begin, wanted) = (Instant::now(), (frames.len() * READERS) as u64);
    let (mut sent, mut answered) = (0, 0);
    for batch in frames.chunks(20) {
        writer.socket.write_all(&batch.concat()).await.unwrap();
        sent += batch.len() as u64;
        while sent - answered >= UNANSWERED {
            answered += u64::from(sender::is_answer(&writer.message().await));
        }
    }
    while answered < sent {
        answered += u64::from(sender::is_answer(&writer.message().await));
    }
    while seen.borrow().frames < wanted && begin.elapsed() < Duration::from_secs(120) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(seen.borrow().frames, wanted, "every edit reaches every reader once");
    println!("  until all readers have all    {:>10.0} edits/s", frames.len() as f64 / begin.elapsed().as_secs_f64());
    println!("  bare: apply the updates alone {:>10.0} edits/s", bare(&edits));
}

fn document(client: u64) -> Doc {
    let mut options = Options::with_client_id(yrs::block::ClientID::new(client));
    options.offset_kind = OffsetKind::Utf16;
    Doc::with_options(options)
}

fn bare(edits: &[Edit]) -> f64 {
    use yrs::updates::decoder::Decode;
    let (document, begin) = (document(2), Instant::now());
    for update in edits.iter().filter_map(|edit| edit.update.as_ref()) {
        document.transact_mut().apply_update(yrs::Update::decode_v1(&update.0).unwrap()).unwrap();
    }
    edits.len() as f64 / begin.elapsed().as_secs_f64()
}

/// The session's transactions as edits of `notes`; a session made up here if there is no trace.
fn edits() -> (String, Vec<Edit>) {
    let document = document(1);
    let notes = document.get_or_insert_text("notes");
    let mut edits = Vec::new();
    let mut make = |change: &dyn Fn(&mut yrs::TransactionMut<'_>)| {
        let mut transaction = document.transact_mut();
        change(&mut transaction);
        let update = transaction.encode_update_v1();
        edits.push(Edit { key: edits.len().to_string(), patch: None, update: Some(Blob(update.into())) });
    };
    let path = std::env::var("TRACE").unwrap_or_else(|_| TRACE.into());
    let Ok(file) = std::fs::File::open(&path) else {
        for index in 0..18_000u32 {
            make(&|transaction| notes.insert(transaction, index, "x"));
        }
        return ("made up: a line typed letter by letter".into(), edits);
    };
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).unwrap();
    let trace: Value = serde_json::from_str(&text).unwrap();
    let start = trace["startContent"].as_str().unwrap_or_default();
    if !start.is_empty() {
        make(&|transaction| notes.insert(transaction, 0, start));
    }
    for transaction in trace["txns"].as_array().unwrap() {
        make(&|writing| {
            for patch in transaction["patches"].as_array().unwrap() {
                let number = |index: usize| u32::try_from(patch[index].as_u64().unwrap()).unwrap();
                notes.remove_range(writing, number(0), number(1));
                notes.insert(writing, number(0), patch[2].as_str().unwrap());
            }
        });
    }
    (path.rsplit('/').next().unwrap_or(&path).to_owned(), edits)
}
