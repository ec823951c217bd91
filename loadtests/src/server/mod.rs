//! The server under test: started for it, or one that runs already.
//!
//! | module | what it is |
//! |---|---|
//! | `product` | a server of our own |
//! | `accounts` | those who take part, and the Things they share |
//! | `meter` | what the server's processes take |
//! | `loss` | processes that are killed or restarted |

pub mod accounts;
pub mod loss;
pub mod meter;
pub mod product;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tempfile::TempDir;
use widgetapp::supervisor::admin::{self, Request};

use self::{
    accounts::Accounts,
    product::{Product, Start},
};
use crate::commands::WrongUsage;

/// Which server to test.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct ServerOptions {
    /// Test the server that runs at this address, instead of starting one
    #[arg(long, value_name = "URL", help_heading = "Server")]
    pub server: Option<String>,
    /// The data directory of that server, if it runs on this machine: then its processes are measured
    #[arg(long, value_name = "DIR", requires = "server", help_heading = "Server")]
    pub data: Option<PathBuf>,
    /// With --server: the user who takes part; may make Things and stream
    #[arg(long, value_name = "NAME", requires = "server", conflicts_with = "client", help_heading = "Server")]
    pub user: Option<String>,
    /// With --server: the OAuth client that takes part instead of a user
    #[arg(long, value_name = "ID", requires = "server", help_heading = "Server")]
    pub client: Option<String>,
    /// The file with their password or secret; else WIDGETAPP_PASSWORD is used
    #[arg(long, value_name = "FILE", requires = "server", help_heading = "Server")]
    pub password_file: Option<PathBuf>,
    /// A setting of the server that is started, as sfe.clients_per_instance=100; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE", conflicts_with = "server", help_heading = "Server")]
    pub settings: Vec<String>,
    /// Start this program instead of the server that was built with this one
    #[arg(long, value_name = "FILE", conflicts_with = "server", help_heading = "Server")]
    pub program: Option<PathBuf>,
    /// How many users those who take part are, on a server that is started
    #[arg(long, value_name = "NUMBER", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000), conflicts_with = "server", help_heading = "Server")]
    pub users: u32,
}

/// The server under test, and who takes part.
pub struct Server {
    url: String,
    /// Its data directory, if it is on this machine.
    data: Option<PathBuf>,
    accounts: Accounts,
    own: Option<Own>,
}

/// A server that was started for this.
struct Own {
    product: Option<Product>,
    start: Start,
    instances: Option<u32>,
    /// Removed last.
    _folder: TempDir,
}

impl Server {
    /// Starts one, or takes the one that runs.
    ///
    /// # Errors
    /// It does not start, or nobody can log in.
    pub async fn new(options: &ServerOptions) -> anyhow::Result<Self> {
        if let Some(url) = &options.server {
            let accounts = Accounts::given(url, options)?;
            return Ok(Self { url: url.clone(), data: options.data.clone(), accounts, own: None });
        }
        let folder = TempDir::with_prefix("loadtest-").context("no temporary directory")?;
        let data = folder.path().join("data");
        let start =
            Start { program: options.program.clone(), settings: options.settings.clone(), options: vec!["--no-demo"] };
        let product = Product::start(&start, &data)?;
        let url = product.url().to_owned();
        let accounts = Accounts::made(&url, &data, options.users).await?;
        let own = Own { product: Some(product), start, instances: None, _folder: folder };
        Ok(Self { url, data: Some(data), accounts, own: Some(own) })
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its data directory, if that can be looked into.
    pub fn data(&self) -> Option<&Path> {
        self.data.as_deref()
    }

    /// Who takes part.
    pub fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// The same, to make Things.
    pub fn accounts_mut(&mut self) -> &mut Accounts {
        &mut self.accounts
    }

    /// Whether it was started for this.
    pub fn is_own(&self) -> bool {
        self.own.is_some()
    }

    /// Starts it again, if another number of instances of the SFE is wanted than runs.
    ///
    /// # Errors
    /// It does not start, or it is not ours to start.
    pub fn run_instances(&mut self, instances: Option<u32>) -> anyhow::Result<()> {
        let Some(own) = &mut self.own else {
            return match instances {
                None => Ok(()),
                Some(_) => {
                    Err(WrongUsage("only a server that is started for this can be given its instances".into()).into())
                }
            };
        };
        if own.instances == instances {
            return Ok(());
        }
        let data = self.data.as_deref().context("its data is there")?;
        // The old one first: both use the data.
        own.product = None;
        let mut start = own.start.clone();
        if let Some(instances) = instances {
            start.settings.extend([format!("sfe.min_instances={instances}"), format!("sfe.max_instances={instances}")]);
        }
        let product = Product::start(&start, data)?;
        self.url = product.url().to_owned();
        self.accounts.moved_to(&self.url)?;
        (own.product, own.instances) = (Some(product), instances);
        Ok(())
    }

    /// Lines that the server answers an administrator with; none if it cannot be asked.
    pub async fn ask(&self, request: &Request) -> Option<Vec<String>> {
        admin::ask(self.data.as_deref()?, request).await.ok()?.ok()
    }

    /// Takes away what was made on a server that goes on.
    pub async fn leave(self) {
        if self.own.is_none() {
            self.accounts.remove_things().await;
        }
    }
}
