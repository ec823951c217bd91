//! The steps that every edit takes, each alone: `cargo bench --bench hot_path`.

use divan::{Bencher, black_box};
use serde_json::json;
use widgetapp::{
    protocol::{
        Codec, RequestHead,
        action::{Action, Edit, PORT},
        codec::{Blob, append_with_join},
        message::{Request, WithBody},
    },
    thing::Document,
};

fn main() {
    divan::main();
}

const CODECS: [Codec; 2] = [Codec::Json, Codec::Cbor];

/// An edit of some 200 bytes, as a client sends it.
fn message(codec: Codec) -> Vec<u8> {
    let body = Edit { key: "3f2a-17".into(), patch: None, update: Some(Blob(vec![7; 60].into())) };
    let thing = Some("67e55044-10b1-426f-9247-bb680e5fe0c8");
    codec.encode(&Request { port: PORT, name: Action::Edit.name(), id: 9, thing, offset: None, body })
}

#[divan::bench(args = CODECS)]
fn decode_head(bencher: Bencher<'_, '_>, codec: Codec) {
    let message = message(codec);
    bencher.bench(|| codec.decode::<RequestHead>(black_box(&message)));
}

#[divan::bench(args = CODECS)]
fn decode_body(bencher: Bencher<'_, '_>, codec: Codec) {
    let message = message(codec);
    bencher.bench(|| codec.decode::<WithBody<Edit>>(black_box(&message)));
}

#[divan::bench(args = CODECS)]
fn put_join_into_message(bencher: Bencher<'_, '_>, codec: Codec) {
    let message = message(codec);
    bencher.bench(|| {
        let mut joined = Vec::with_capacity(message.len() + 24);
        append_with_join(codec, black_box(&message), 7, &mut joined);
        joined
    });
}

/// A Thing with a hundred parts.
fn document() -> Document {
    let parts: serde_json::Map<String, serde_json::Value> = (0..100)
        .map(|part| (format!("p{part}"), json!({"kind": "box", "x": part, "y": 0, "label": "A box"})))
        .collect();
    let content = json!({"parts": parts, "notes": "Some notes. ".repeat(50)});
    Document::initial("Measured", Some(content), 1).expect("this content is fine").0
}

#[divan::bench(args = [false, true])]
fn move_a_part_by_json_patch(bencher: Bencher<'_, '_>, want_patch: bool) {
    let mut document = document();
    let mut x = 0;
    bencher.bench_local(|| {
        x += 1;
        document.apply_patch(&json!([{"op": "replace", "path": "/parts/p7/x", "value": x}]), want_patch)
    });
}

#[divan::bench]
fn replace_the_notes_by_json_patch(bencher: Bencher<'_, '_>) {
    let mut document = document();
    let mut text = "Some notes. ".repeat(50);
    bencher.bench_local(|| {
        text.push('x');
        document.apply_patch(&json!([{"op": "replace", "path": "/notes", "value": text}]), true)
    });
}

#[divan::bench]
fn load_a_thing(bencher: Bencher<'_, '_>) {
    let state = document().state();
    bencher.bench(|| Document::load(black_box(&state), 2));
}
