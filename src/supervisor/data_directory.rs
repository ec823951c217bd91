//! The data directory: made when it is missing, and used by one server at a time.

use std::{
    fs::{DirBuilder, File},
    io,
    os::unix::fs::DirBuilderExt,
    path::Path,
};

use anyhow::{Context, bail};
use rustix::fs::FlockOperation;

/// Makes the directory (for its owner only) and claims it while the returned file is open.
///
/// # Errors
/// It cannot be made or written, or another server uses it.
pub fn claim(directory: &Path) -> anyhow::Result<File> {
    let shown = directory.display();
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .with_context(|| format!("cannot make the data directory {shown}; choose another with --data DIR"))?;
    let lock = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(directory.join("lock"))
        .with_context(|| format!("cannot write to the data directory {shown}; choose another with --data DIR"))?;
    match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(lock),
        Err(error) if io::Error::from(error).kind() == io::ErrorKind::WouldBlock => {
            bail!("another server uses the data directory {shown}; stop it, or choose another with --data DIR")
        }
        Err(error) => Err(error).with_context(|| format!("cannot lock the data directory {shown}")),
    }
}
