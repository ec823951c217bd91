//! A file system for one test, mounted by root: one whose power can be cut, or one that is soon full.

use std::{path::Path, process::Command};

use tempfile::{NamedTempFile, TempDir};

use super::eventually;

const IMAGE_BYTES: u64 = 96 << 20;

/// A file system of its own, unmounted whatever happens.
pub struct FileSystem {
    /// None for one in memory.
    image: Option<NamedTempFile>,
    at: TempDir,
}

impl FileSystem {
    /// ext4 in a file.
    ///
    /// # Errors
    /// Why that cannot be on this machine.
    pub fn in_a_file() -> Result<Self, String> {
        mounting()?;
        let image = NamedTempFile::new().map_err(|error| error.to_string())?;
        image.as_file().set_len(IMAGE_BYTES).map_err(|error| error.to_string())?;
        run("mkfs.ext4", &["-q", "-F", "-E", "lazy_itable_init=0"], image.path())?;
        let file_system = Self { image: Some(image), at: TempDir::new().map_err(|error| error.to_string())? };
        file_system.mount()?;
        // Looked for here, so that a test that lacks it is skipped before it has begun.
        run("xfs_io", &["-c", "quit"], file_system.path())?;
        Ok(file_system)
    }

    /// One in memory, with room for so many bytes.
    ///
    /// # Errors
    /// Why that cannot be on this machine.
    pub fn in_memory(bytes: u64) -> Result<Self, String> {
        mounting()?;
        let file_system = Self { image: None, at: TempDir::new().map_err(|error| error.to_string())? };
        run("mount", &["-t", "tmpfs", "-o", &format!("size={bytes}"), "tmpfs"], file_system.path())?;
        Ok(file_system)
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        self.at.path()
    }

    fn mount(&self) -> Result<(), String> {
        let image = self.image.as_ref().expect("what is in memory alone does not come back");
        run("mount", &["-o", "loop", &image.path().to_string_lossy()], self.path())
    }

    /// The power goes: the file system stops at once, and what it has not written to the disk is lost. That is what
    /// the tests of file systems do.
    pub fn cut_power(&self) {
        run("xfs_io", &["-x", "-c", "shutdown"], self.path()).expect("the file system stops");
    }

    /// The power comes back. Nobody may have a file open any more.
    pub fn come_back(&self) {
        eventually("the file system can be unmounted", || run("umount", &[], self.path()).ok());
        self.mount().expect("its journal is replayed");
    }
}

impl Drop for FileSystem {
    fn drop(&mut self) {
        if run("umount", &[], self.path()).is_err() {
            // Someone still has a file open, or it was never mounted. It goes with the last who has.
            let _ = run("umount", &["-l"], self.path());
        }
    }
}

fn mounting() -> Result<(), String> {
    let is_root = rustix::process::geteuid().is_root();
    is_root.then_some(()).ok_or_else(|| "only root can mount file systems".into())
}

fn run(program: &str, arguments: &[&str], path: &Path) -> Result<(), String> {
    let output = Command::new(program).args(arguments).arg(path).output();
    let output = output.map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr).trim()))
}
