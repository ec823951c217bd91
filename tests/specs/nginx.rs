//! nginx in front of the product, set up by the file that the guide shows.

use std::{
    fs,
    net::TcpStream,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use crate::product::{Reserved, eventually, kill};

/// The file of the guide.
const SHOWN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/book/src/admin/widgetapp.nginx");

/// A running nginx.
pub struct Nginx {
    process: Child,
    folder: TempDir,
    reserved: Reserved,
    /// Its own certificate, as PEM.
    pub certificate: String,
}

impl Nginx {
    /// Chooses its port and certificate. It runs after [`Nginx::set_up`].
    pub fn new() -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let folder = TempDir::new().expect("a temporary directory");
        fs::write(folder.path().join("cert.pem"), made.cert.pem()).expect("a file");
        fs::write(folder.path().join("key.pem"), made.signing_key.serialize_pem()).expect("a file");
        let process = Command::new("true").spawn().expect("a process that ends at once");
        Self { process, folder, reserved: Reserved::at("127.0.0.1"), certificate: made.cert.pem() }
    }

    /// The address that people type.
    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.reserved.address().port())
    }

    /// Starts it in front of `server`; a connection that is silent for `patience` is closed. Blocks.
    pub fn set_up(&mut self, server: &str, patience: &str) {
        let file = |name: &str| self.folder.path().join(name).to_string_lossy().into_owned();
        let shown = fs::read_to_string(SHOWN).expect("the guide's file");
        let changes = [
            ("listen 443 ssl", format!("listen {} ssl", self.reserved.address())),
            ("/etc/ssl/certs/widgetapp.pem", file("cert.pem")),
            ("/etc/ssl/private/widgetapp.key", file("key.pem")),
            ("http://127.0.0.1:8080", format!("http://{server}")),
            ("proxy_read_timeout 60s", format!("proxy_read_timeout {patience}")),
        ];
        let site = changes.iter().fold(shown, |site, (theirs, ours)| {
            assert!(site.contains(theirs), "the guide's file has no {theirs}");
            site.replace(theirs, ours)
        });
        let folders: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {};\n", file(kind)))
            .concat();
        let whole = format!(
            "daemon off; pid {}; error_log {}; events {{}}\nhttp {{\n{folders}log_format named '$request_id $uri';\n\
             access_log {} named;\n{site}}}\n",
            file("pid"),
            file("error.log"),
            file("access.log")
        );
        let config = self.folder.path().join("nginx.conf");
        fs::write(&config, whole).expect("a file");
        let mut nginx = Command::new("nginx");
        nginx.arg("-c").arg(config).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.process = nginx.spawn().expect("nginx runs");
        let address = self.reserved.address();
        eventually("nginx takes connections", || TcpStream::connect(address).ok());
    }

    /// Ends it.
    pub fn end(&mut self) {
        // Its workers end with it.
        kill("TERM", self.process.id());
        let _ = self.process.wait();
    }

    /// A line for each request that has ended: how nginx names it, and its path.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("access.log")
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        self.end();
    }
}
