//! The credentials that the server leaves in its data directory (`demo.json`) for the demonstration.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use serde::Deserialize;

/// The name of the file in the data directory.
pub const FILE_NAME: &str = "demo.json";

/// What `demo.json` says.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Demo {
    /// Where the server listens.
    pub url: Option<String>,
    /// Users by name.
    pub users: BTreeMap<String, DemoUser>,
    /// OAuth clients by name.
    pub clients: BTreeMap<String, DemoClient>,
    /// Ids of Things by name.
    pub things: BTreeMap<String, String>,
}

/// A user of the demonstration.
#[derive(Clone, Debug, Deserialize)]
pub struct DemoUser {
    /// The password to log in with.
    pub password: String,
    /// The organisation that the user belongs to.
    #[serde(default)]
    pub organisation: String,
    /// The groups that the user is in.
    #[serde(default)]
    pub groups: Vec<String>,
}

/// An OAuth client of the demonstration.
#[derive(Clone, Debug, Deserialize)]
pub struct DemoClient {
    /// Its id.
    pub client_id: String,
    /// Its secret; public clients have none.
    #[serde(default)]
    pub client_secret: Option<String>,
}

/// The file is there and cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// It cannot be read.
    #[error("cannot read {path}: {error}", path = .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It is not as the server writes it.
    #[error("{path} is not as the server writes it: {error}", path = .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: serde_json::Error,
    },
}

impl Demo {
    /// Reads the file in this data directory, if there is one.
    ///
    /// # Errors
    /// It is there, but cannot be read.
    pub fn read(data_dir: &Path) -> Result<Option<Self>, DemoError> {
        let path = data_dir.join(FILE_NAME);
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(DemoError::Unreadable { path, error }),
        };
        match serde_json::from_slice(&text) {
            Ok(demo) => Ok(Some(demo)),
            Err(error) => Err(DemoError::Malformed { path, error }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_the_contract_is_read() {
        let directory = tempfile::tempdir().unwrap();
        assert!(Demo::read(directory.path()).unwrap().is_none());
        let text = r#"{"url": "http://127.0.0.1:8080",
            "users": {"ada": {"password": "p", "organisation": "acme", "groups": ["designers"]}},
            "clients": {"demo-app": {"client_id": "demo-app"},
                        "demo-external-system": {"client_id": "demo-external-system", "client_secret": "s"}},
            "things": {"welcome": "67e55044-10b1-426f-9247-bb680e5fe0c8"}}"#;
        std::fs::write(directory.path().join(FILE_NAME), text).unwrap();
        let demo = Demo::read(directory.path()).unwrap().unwrap();
        assert_eq!(demo.users["ada"].groups, ["designers"]);
        assert_eq!(demo.clients["demo-external-system"].client_secret.as_deref(), Some("s"));
        assert_eq!(demo.clients["demo-app"].client_secret, None);
        assert_eq!(demo.things["welcome"], "67e55044-10b1-426f-9247-bb680e5fe0c8");
    }

    #[test]
    fn a_damaged_file_is_an_error_that_names_it() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join(FILE_NAME), "{").unwrap();
        let error = Demo::read(directory.path()).unwrap_err().to_string();
        assert!(error.contains("demo.json is not as the server writes it"), "{error}");
    }
}
