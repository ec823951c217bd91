//! Where an example happens: a folder in which `widgetapp-data` is the server's data, as a reader has it, and the
//! values that differ from run to run.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
};

use base64::Engine as _;
use book::examples::{Example, redactions::Redactions};
use serde_json::Value;
use tempfile::TempDir;

use super::needs;
use crate::{person::Person, product::Reserved, scene::Scene, web};

/// What the server reads by itself in the folder where it is started.
const SETTINGS: &str = "widgetapp.toml";
/// The folder in which everything happens.
const HOME: &str = "home";
/// What `[TOKEN:...]` of a program may do.
const SCOPES: &str = "stream things:read things:write";

/// See the module.
pub struct Stage {
    root: TempDir,
    /// The values.
    pub redactions: Redactions,
    /// Where a server listens unless it is told otherwise, instead of port 8080.
    listen: String,
    met_people: bool,
    /// Where servers listen that the example starts.
    _reserved: [Reserved; 2],
}

impl Stage {
    /// Lays out the folder, and starts the server unless the example does.
    pub async fn set(scene: &mut Scene, example: &Example) -> Self {
        let root = TempDir::new().expect("a temporary directory");
        let folder = root.path().join(HOME);
        fs::create_dir_all(&folder).expect("the directory is ours");
        let (server, metrics) = (Reserved::at("127.0.0.1"), Reserved::at("127.0.0.1"));
        let listen = if example.manifest.server {
            let settings = book::root().join(example.proof()).join(SETTINGS);
            if settings.is_file() {
                scene.options = vec!["--config".into(), settings.display().to_string()];
            }
            scene.start().await;
            let product = scene.product();
            symlink(product.data(), folder.join("widgetapp-data")).expect("the directory is ours");
            product.address().to_owned()
        } else {
            server.address().to_string()
        };
        let mut redactions = Redactions::default();
        redactions.server_is_at(&listen);
        redactions.metrics_are_at(&metrics.address().to_string());
        let stage = Self { root, redactions, listen, met_people: false, _reserved: [server, metrics] };
        for (name, text) in &example.files {
            fs::write(folder.join(name), stage.redactions.fill_in(text)).expect("the directory is ours");
        }
        stage.lay_out_programs();
        stage
    }

    /// The folder in which everything happens.
    pub fn folder(&self) -> PathBuf {
        self.root.path().join(HOME)
    }

    fn programs(&self) -> PathBuf {
        self.root.path().join("programs")
    }

    fn lay_out_programs(&self) {
        let programs = self.programs();
        fs::create_dir_all(&programs).expect("the directory is ours");
        let link = |to: &Path, name: PathBuf| symlink(to, name).expect("the directory is ours");
        link(Path::new(env!("CARGO_BIN_EXE_widgetapp")), programs.join("widgetapp"));
        link(Path::new(env!("CARGO_BIN_EXE_widgetapp_admin")), programs.join("widgetapp_admin"));
        let this = std::env::current_exe().expect("this program has a path");
        link(&this, programs.join(crate::CLIENT_RUST));
        if let Some(packages) = needs::node_path() {
            link(Path::new(&packages), self.folder().join("node_modules"));
        }
        if let Some(python) = needs::python() {
            // A link would not find the packages that belong to this Python.
            let script = format!("#!/bin/sh\nexec '{}' \"$@\"\n", python.display());
            let path = programs.join("python3");
            fs::write(&path, script).expect("the directory is ours");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("the file is ours");
        }
    }

    /// What commands find in their environment.
    pub fn environment(&self) -> Vec<(String, String)> {
        let path = std::env::var("PATH").unwrap_or_default();
        vec![
            ("PATH".to_owned(), format!("{}:{path}", self.programs().display())),
            ("NO_COLOR".into(), "1".into()),
            ("TERM".into(), "dumb".into()),
            ("NO_PROXY".into(), "*".into()),
            ("WIDGETAPP_SERVER__LISTEN".into(), self.listen.clone()),
        ]
    }

    /// What a text of the example means in this run.
    pub async fn fill_in(&mut self, scene: &Scene, text: &str) -> Result<String, String> {
        self.meet_people();
        for placeholder in self.redactions.unknown_in(text) {
            let (kind, whose) = placeholder.split_once(':').unwrap_or((&placeholder, "ada"));
            if kind != "TOKEN" {
                return Err(format!("[{placeholder}] stands for nothing yet"));
            }
            let demo = scene.product().demo();
            let token = match demo["users"].get(whose) {
                Some(_) => Person::new(scene, whose).login.access_token().await.map_err(|why| why.to_string())?,
                None => web::client_token(scene, SCOPES).await,
            };
            self.redactions.know(&placeholder, &token);
        }
        Ok(self.redactions.fill_in(text))
    }

    /// The demonstration's names and passwords, once there are some.
    pub fn meet_people(&mut self) {
        let demo = fs::read_to_string(self.folder().join("widgetapp-data/demo.json")).unwrap_or_default();
        let Ok(demo) = serde_json::from_str::<Value>(&demo) else { return };
        if std::mem::replace(&mut self.met_people, true) {
            return;
        }
        let mut know = |placeholder: &str, value: &Value| {
            self.redactions.know(placeholder, value.as_str().expect("demo.json has texts"));
        };
        know("THING", &demo["things"]["welcome"]);
        know("SECRET", &demo["clients"]["demo-external-system"]["client_secret"]);
        let basic = format!("ada:{}", demo["users"]["ada"]["password"].as_str().unwrap_or_default());
        know("BASIC", &base64::engine::general_purpose::STANDARD.encode(basic).into());
        for (name, user) in demo["users"].as_object().into_iter().flatten() {
            let placeholder = if name == "ada" { "PASSWORD".to_owned() } else { format!("PASSWORD:{name}") };
            know(&placeholder, &user["password"]);
        }
    }
}
