//! Where the server is, and who one is there: from the command line, the environment and `demo.json`.

use std::path::PathBuf;

use crate::{
    client::{Credentials, Demo, DemoError, Http, HttpError, Login, TokenSource},
    protocol::ThingId,
};

const DEFAULT_SERVER: &str = "http://127.0.0.1:8080";
const DEFAULT_USER: &str = "ada";
const TOKEN_VARIABLE: &str = "WIDGETAPP_TOKEN";
const PASSWORD_VARIABLE: &str = "WIDGETAPP_PASSWORD";

/// Which server.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct ServerArgs {
    /// The server's address [default: the one in DIR/demo.json, else http://127.0.0.1:8080]
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// The server's data directory, where the demonstration's passwords are
    #[arg(long, value_name = "DIR", default_value = "widgetapp-data", env = "WIDGETAPP_SERVER__DATA")]
    data: PathBuf,
    /// The file with the password of a user, or the secret of a client, who is not in demo.json; else
    /// WIDGETAPP_PASSWORD is used
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// A certificate to trust instead of the system's, as a PEM file
    #[arg(long, value_name = "FILE")]
    tls_root: Option<PathBuf>,
}

/// Which server, and who one is there.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct WhoArgs {
    #[command(flatten)]
    pub server: ServerArgs,
    /// The user, or the OAuth client, to be [default: ada]
    #[arg(long = "as", value_name = "USER")]
    who: Option<String>,
    /// An access token to use instead; else WIDGETAPP_TOKEN is used, unless --as is given
    #[arg(long, value_name = "TOKEN", conflicts_with = "who")]
    token: Option<String>,
}

/// The command line and its surroundings do not say enough.
#[derive(Debug, thiserror::Error)]
pub(super) enum OptionsError {
    #[error(
        "no password for {name}: {path} does not have it. Start the server in this directory, say where its data is \
         (--data DIR), name a file that has it (--password-file FILE), or set {PASSWORD_VARIABLE}",
        path = .path.display()
    )]
    NoPassword { name: String, path: PathBuf },
    #[error("the OAuth client {0} is public: it has no secret, and acts only for users who log in")]
    PublicClient(String),
    #[error("there is no Thing \"{name}\": give its id{known}")]
    NoSuchThing { name: String, known: String },
    #[error("cannot read {path}: {error}", path = .path.display())]
    Unreadable { path: PathBuf, error: std::io::Error },
}

/// Who one is.
pub(super) enum Who {
    /// Someone who has a token.
    Token(String),
    /// Someone who can get one.
    Login(Login),
}

impl Who {
    pub(super) fn tokens(&self) -> TokenSource {
        match self {
            Self::Token(token) => token.clone().into(),
            Self::Login(login) => login.clone().into(),
        }
    }
}

/// What is known of the server.
pub(super) struct Server {
    pub url: String,
    pub tls_root: Option<Vec<u8>>,
    args: ServerArgs,
    demo: Option<Demo>,
}

impl ServerArgs {
    pub(super) fn find(self) -> Result<Server, super::CliError> {
        let demo = match Demo::read(&self.data) {
            // What the command line says is enough, so it does not matter that the file is not ours to read.
            Err(DemoError::Unreadable { .. }) if self.server.is_some() => None,
            demo => demo?,
        };
        let url = self.server.clone().or_else(|| demo.as_ref()?.url.clone());
        Ok(Server {
            url: url.unwrap_or_else(|| DEFAULT_SERVER.into()),
            tls_root: self.tls_root.clone().map(read).transpose()?,
            args: self,
            demo,
        })
    }
}

impl WhoArgs {
    pub(super) fn find(self) -> Result<(Server, Who), super::CliError> {
        let server = self.server.find()?;
        let token = match self.who {
            Some(_) => None,
            None => self.token.or_else(|| variable(TOKEN_VARIABLE)),
        };
        let who = match token {
            Some(token) => Who::Token(token),
            None => Who::Login(server.login(self.who.as_deref(), None)?),
        };
        Ok((server, who))
    }
}

impl Server {
    /// Someone who can log in: this user, or else this client. A name that is no user's in `demo.json`
    /// may be a client's there.
    pub(super) fn login(&self, user: Option<&str>, client: Option<&str>) -> Result<Login, super::CliError> {
        let credentials = match client {
            Some(client) => self.client(client)?,
            None => self.user_or_client(user.unwrap_or(DEFAULT_USER))?,
        };
        Ok(Login::new(self.http()?, credentials))
    }

    pub(super) fn http(&self) -> Result<Http, HttpError> {
        Http::new(&self.url, self.tls_root.as_deref())
    }

    fn user_or_client(&self, name: &str) -> Result<Credentials, OptionsError> {
        let demo = self.demo.as_ref();
        let user = demo.and_then(|demo| demo.users.get(name));
        if user.is_none() && demo.is_some_and(|demo| demo.clients.contains_key(name)) {
            return self.client(name);
        }
        let password = self.secret(name, user.map(|user| user.password.as_str()))?;
        let name = name.into();
        Ok(Credentials::User { name, password })
    }

    fn client(&self, name: &str) -> Result<Credentials, OptionsError> {
        let known = self.demo.as_ref().and_then(|demo| demo.clients.get(name));
        if known.is_some_and(|client| client.client_secret.is_none()) {
            return Err(OptionsError::PublicClient(name.into()));
        }
        let id = known.map_or(name, |client| &client.client_id).into();
        let secret = self.secret(name, known.and_then(|client| client.client_secret.as_deref()))?;
        Ok(Credentials::Client { id, secret })
    }

    /// A password or client secret: the file that was named, `demo.json`, the environment.
    fn secret(&self, name: &str, of_demo: Option<&str>) -> Result<String, OptionsError> {
        if let Some(path) = &self.args.password_file {
            let text = String::from_utf8_lossy(&read(path.clone())?).into_owned();
            return Ok(text.trim_end_matches(['\r', '\n']).into());
        }
        of_demo
            .map(str::to_owned)
            .or_else(|| variable(PASSWORD_VARIABLE))
            .ok_or_else(|| OptionsError::NoPassword { name: name.into(), path: self.args.data.join("demo.json") })
    }

    /// The id of a Thing, given as it is or by its name in `demo.json`.
    pub(super) fn thing(&self, name: &str) -> Result<String, OptionsError> {
        let things = self.demo.as_ref().map(|demo| &demo.things);
        if let Some(id) = things.and_then(|things| things.get(name)) {
            return Ok(id.clone());
        }
        if name.parse::<ThingId>().is_ok() {
            return Ok(name.into());
        }
        let names: Vec<&str> = things.into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        Err(OptionsError::NoSuchThing {
            name: name.into(),
            known: match names.is_empty() {
                true => String::new(),
                false => format!(", or a name of the demonstration: {}", names.join(", ")),
            },
        })
    }
}

fn read(path: PathBuf) -> Result<Vec<u8>, OptionsError> {
    std::fs::read(&path).map_err(|error| OptionsError::Unreadable { path, error })
}

/// A variable that is set to something.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const WELCOME: &str = "67e55044-10b1-426f-9247-bb680e5fe0c8";

    fn server(args: ServerArgs) -> (tempfile::TempDir, Server) {
        let directory = tempfile::tempdir().unwrap();
        let demo = serde_json::json!({
            "url": "http://127.0.0.1:9",
            "users": {"ada": {"password": "of ada", "organisation": "acme", "groups": []}},
            "clients": {"ext": {"client_id": "ext-id", "client_secret": "of ext"}, "app": {"client_id": "app"}},
            "things": {"welcome": WELCOME},
        });
        std::fs::write(directory.path().join("demo.json"), demo.to_string()).unwrap();
        let data = directory.path().into();
        let server = ServerArgs { data, ..args }.find().unwrap();
        (directory, server)
    }

    #[test]
    fn the_server_is_the_one_named_or_the_one_of_the_data_directory_or_the_usual_one() {
        let (_directory, found) = server(ServerArgs::default());
        assert_eq!(found.url, "http://127.0.0.1:9");
        let named = Some("http://example.org".into());
        let (_directory, found) = server(ServerArgs { server: named, ..ServerArgs::default() });
        assert_eq!(found.url, "http://example.org");
        let data = tempfile::tempdir().unwrap().path().join("none");
        let found = ServerArgs { data, ..ServerArgs::default() };
        assert_eq!(found.find().unwrap().url, DEFAULT_SERVER);
    }

    #[test]
    fn names_are_users_then_clients_of_the_demonstration() {
        let (_directory, server) = server(ServerArgs::default());
        let ada = server.user_or_client("ada").unwrap();
        assert!(matches!(ada, Credentials::User { password, .. } if password == "of ada"));
        let ext = server.user_or_client("ext").unwrap();
        assert!(matches!(ext, Credentials::Client { id, secret } if id == "ext-id" && secret == "of ext"));
        assert!(matches!(server.client("app"), Err(OptionsError::PublicClient(_))));
    }

    #[test]
    fn a_password_file_goes_before_all_else() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("password");
        std::fs::write(&path, "of the file\n").unwrap();
        let (_directory, server) = server(ServerArgs { password_file: Some(path), ..ServerArgs::default() });
        let ada = server.user_or_client("ada").unwrap();
        assert!(matches!(ada, Credentials::User { password, .. } if password == "of the file"));
    }

    #[test]
    fn who_has_no_password_is_told_what_to_do_in_one_line() {
        let (_directory, server) = server(ServerArgs::default());
        let error = server.user_or_client("zoe").unwrap_err().to_string();
        assert!(error.starts_with("no password for zoe: ") && error.contains("WIDGETAPP_PASSWORD"), "{error}");
        assert!(error.contains("--password-file FILE"), "{error}");
        assert!(!error.contains('\n'));
    }

    #[test]
    fn things_are_named_by_id_or_by_the_demonstrations_names() {
        let (_directory, server) = server(ServerArgs::default());
        assert_eq!(server.thing("welcome").unwrap(), WELCOME);
        assert_eq!(server.thing(WELCOME).unwrap(), WELCOME);
        let error = server.thing("welcom").unwrap_err().to_string();
        assert_eq!(error, "there is no Thing \"welcom\": give its id, or a name of the demonstration: welcome");
    }
}
