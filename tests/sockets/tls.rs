//! The same over TLS, which `_wfe` ends: it pumps each stream, so an `_sfe` may be killed there too.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Duration,
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use serde_json::json;
use tempfile::TempDir;
use widgetapp::{
    client::{Client, EditBody, Event, Events},
    protocol::action::Form,
};

use crate::{
    live,
    product::{Product, eventually, kill},
};

const A_MINUTE: Duration = Duration::from_secs(60);

/// A certificate for this machine and its key, as files.
pub struct Identity {
    folder: TempDir,
    pub certificate: String,
}

impl Identity {
    pub fn new() -> Self {
        Self::of(IsCa::NoCa)
    }

    fn of(is_ca: IsCa) -> Self {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(names).expect("names");
        params.is_ca = is_ca;
        let certificate = params.self_signed(&key).expect("a certificate").pem();
        let folder = TempDir::new().expect("a temporary directory");
        let identity = Self { folder, certificate };
        identity.write("cert.pem", &identity.certificate);
        identity.write("key.pem", &key.serialize_pem());
        identity
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("a file");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().expect("a path that is text").to_owned()
    }
}

pub fn start(identity: &Identity) -> Product {
    Product::start_with(&["--tls-cert", &identity.text("cert.pem"), "--tls-key", &identity.text("key.pem")])
}

async fn connect(product: &Product, identity: &Identity) -> (Client, Events) {
    let ada = live::login_trusting(product, "ada", Some(&identity.certificate));
    let builder = Client::builder(product.url(), ada).tls_root(identity.certificate.as_bytes());
    builder.connect().await.expect("a stream opens")
}

fn edit(n: usize, size: usize) -> EditBody {
    EditBody::Patch(json!([{"op": "add", "path": "/meta/n", "value": format!("{n}{}", "x".repeat(size))}]))
}

#[test]
fn the_login_page_answers_over_https_and_not_over_http() {
    book::claims!("tls", 1);
    let identity = Identity::new();
    let product = start(&identity);
    assert!(product.url().starts_with("https://"), "{}", product.url());
    live::run(A_MINUTE, async {
        // The client makes ring the provider of all TLS here.
        drop(live::login_trusting(&product, "ada", Some(&identity.certificate)));
        let root = reqwest::Certificate::from_pem(identity.certificate.as_bytes()).unwrap();
        let https = reqwest::Client::builder().tls_certs_only([root]).build().unwrap();
        let page = https.get(format!("{}/login", product.url())).send().await.unwrap();
        assert_eq!(page.status(), 200);
        assert!(page.text().await.unwrap().contains("password"));
        let plain = https.get(format!("http://{}/login", product.address())).send().await;
        assert!(plain.is_err(), "{plain:?}");
    });
}

#[test]
fn a_stream_over_tls_edits_and_survives_a_killed_sfe() {
    book::claims!("C46", 1);
    book::claims!("tls", 1);
    let identity = Identity::new();
    let product = start(&identity);
    let thing = product.welcome();
    live::run(A_MINUTE, async {
        let (writer, mut writers_events) = connect(&product, &identity).await;
        let (reader, mut events) = connect(&product, &identity).await;
        writer.open(&thing, Form::Json).await.unwrap();
        reader.open(&thing, Form::Json).await.unwrap();
        for n in 0..6 {
            if n % 2 == 1 {
                tokio::task::block_in_place(|| {
                    let old = eventually("it is there", || product.processes("_sfe").first().map(|(_, pid)| *pid));
                    kill("KILL", old);
                });
            }
            // From one byte to more than a TLS record.
            let edited = writer.edit(&thing, edit(n, n * 20_000)).await.unwrap();
            live::until(&mut events, "the edit", |event| match event {
                Event::Message(push) => (push.offset == Some(edited.offset)).then_some(()),
                Event::Disconnected { .. } => panic!("{event:?}"),
                _ => None,
            })
            .await;
        }
        while let Some(event) = writers_events.try_recv() {
            assert!(!matches!(event, Event::Disconnected { .. }), "{event:?}");
        }
    });
}

#[test]
fn a_stream_over_tls_comes_back_after_its_wfe_was_killed() {
    book::claims!("stream-outlives-wfe", 1);
    book::claims!("tls-wfe", 1);
    let identity = Identity::new();
    let product = start(&identity);
    let thing = product.welcome();
    live::run(A_MINUTE, async {
        let (client, mut events) = connect(&product, &identity).await;
        client.open(&thing, Form::Json).await.unwrap();
        tokio::task::block_in_place(|| kill("KILL", product.processes("_wfe")[0].1));
        let edited = client.edit(&thing, edit(1, 1)).await.unwrap();
        live::until(&mut events, "the edit at its place", |event| match event {
            Event::Acked { offset, .. } => (offset == edited.offset).then_some(()),
            _ => None,
        })
        .await;
    });
}

#[test]
fn files_that_are_not_what_they_should_be_are_told_in_one_line_that_names_them() {
    book::claims!("tls-wrong-file", 1);
    let (identity, other) = (Identity::new(), Identity::new());
    identity.write("empty.pem", "");
    identity.write("broken.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    let absent = identity.path("absent.pem");
    let file = |name: &str| identity.path(name);
    for (what, certificate, key, named) in [
        ("no certificate file", absent.clone(), file("key.pem"), "absent.pem"),
        ("no key file", file("cert.pem"), absent, "absent.pem"),
        ("an empty certificate", file("empty.pem"), file("key.pem"), "empty.pem"),
        ("an empty key", file("cert.pem"), file("empty.pem"), "empty.pem"),
        ("a broken certificate", file("broken.pem"), file("key.pem"), "broken.pem"),
        ("a key as certificate", file("key.pem"), file("key.pem"), "key.pem"),
        ("a certificate as key", file("cert.pem"), file("cert.pem"), "cert.pem"),
        ("the key of another certificate", file("cert.pem"), other.path("key.pem"), "key.pem"),
        ("a folder", identity.folder.path().to_owned(), file("key.pem"), "certificate"),
    ] {
        let output = serve(&["--tls-cert".as_ref(), &certificate, "--tls-key".as_ref(), &key]);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), error.lines().count()), (Some(1), 1), "{what}: {error}");
        assert!(error.contains(named), "{what}: {error}");
        assert!(output.stdout.is_empty(), "{what}: it says that it listens");
    }
}

#[test]
fn the_commands_say_what_to_do_about_a_certificate_that_is_not_trusted() {
    let commands = [&["token"][..], &["listen"], &["listen", "--token", "t"], &["call", "search", "q=x", "--ajax"]];
    for (is_ca, hint) in [
        (
            IsCa::NoCa,
            "nobody who is trusted here has issued it; if it is yours, trust its certificate with --tls-root FILE",
        ),
        (IsCa::Ca(BasicConstraints::Unconstrained), "openssl req -x509 -addext basicConstraints=CA:FALSE"),
    ] {
        let identity = Identity::of(is_ca);
        let product = start(&identity);
        for command in commands {
            let mut program = Command::new(env!("CARGO_BIN_EXE_widgetapp"));
            let program = program.args(command).arg("--data").arg(product.data());
            // Trusting it is no remedy for one that no server may use.
            let program = match is_ca {
                IsCa::Ca(_) => program.arg("--tls-root").arg(identity.path("cert.pem")),
                _ => program,
            };
            let output = program.output().expect("it runs");
            let error = String::from_utf8(output.stderr).unwrap();
            assert_eq!((output.status.code(), error.lines().count()), (Some(1), 1), "{command:?}: {error}");
            assert!(error.contains(hint) && !error.contains("is the server running"), "{command:?}: {error}");
        }
    }
}

fn serve(options: &[&Path]) -> Output {
    let data = TempDir::new().expect("a temporary directory");
    let mut command = Command::new(env!("CARGO_BIN_EXE_widgetapp"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data.path()).args(options);
    command.current_dir(data.path()).output().expect("it runs")
}
