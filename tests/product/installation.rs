//! The program at a place of its own, where another one can take its place while it runs.

use std::{
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

const SPEAKS_ANOTHER_LANGUAGE: &str = "| sed 's/\"links\":[0-9]*/\"links\":9999/'";

fn settings_go_bad(data: &Path) -> String {
    format!("printf '[sfe]\\nmin_instances = 0\\n' > '{}/widgetapp.toml';", data.display())
}

/// A folder with the program in it.
pub struct Installation {
    folder: TempDir,
}

impl Installation {
    /// The program as it was built.
    pub fn new() -> Self {
        let installed = Self { folder: TempDir::new().expect("a temporary directory") };
        installed.put_newer();
        installed
    }

    /// Where the program is, whichever it is.
    pub fn program(&self) -> PathBuf {
        self.folder.path().join("widgetapp")
    }

    /// A place beside it.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The same program takes its place, in another file of other bytes.
    pub fn put_newer(&self) {
        self.put("cp \"$REAL\" next && echo >> next");
    }

    /// Another build takes its place.
    pub fn put_build(&self, program: &Path) {
        let program = std::path::absolute(program).expect("a path");
        self.put(&format!("cp '{}' next", program.display()));
    }

    /// The first bytes of the program take its place.
    pub fn put_truncated(&self) {
        self.put("head --bytes 5000 \"$REAL\" > next");
    }

    /// A shell script takes its place; `$REAL` is the program as it was built, `$HERE` the folder.
    pub fn put_script(&self, text: &str) {
        let real = env!("CARGO_BIN_EXE_widgetapp");
        let here = self.here().display();
        self.put(&format!("cat > next <<'END'\n#!/bin/sh\nREAL='{real}' HERE='{here}'\n{text}\nEND"));
    }

    /// A program takes its place whose processes do not understand those of the one before: so it says of itself.
    pub fn put_incompatible(&self) {
        self.put_one_that(SPEAKS_ANOTHER_LANGUAGE, "");
    }

    /// A program takes its place that is well when it is asked, and finds wrong settings in the data directory when it
    /// is executed.
    pub fn put_failing(&self, data: &Path) {
        self.put_one_that("", &settings_go_bad(data));
    }

    /// Both.
    pub fn put_incompatible_and_failing(&self, data: &Path) {
        self.put_one_that(SPEAKS_ANOTHER_LANGUAGE, &settings_go_bad(data));
    }

    /// A program that answers so when it is asked, and does this before it is executed.
    fn put_one_that(&self, answers: &str, does: &str) {
        self.put_script(&format!(
            "case \"$1\" in config) \"$REAL\" \"$@\" {answers};; *) {does} exec \"$REAL\" \"$@\";; esac"
        ));
    }

    /// Nothing takes its place.
    pub fn remove(&self) {
        std::fs::remove_file(self.program()).expect("it is there");
    }

    fn here(&self) -> &Path {
        self.folder.path()
    }

    /// Whether a process runs the program that is installed now.
    pub fn is_run_by(&self, pid: u32) -> bool {
        let file = |path: PathBuf| std::fs::metadata(path).ok().map(|file| file.ino());
        let installed = file(self.program());
        installed.is_some() && file(format!("/proc/{pid}/exe").into()) == installed
    }

    /// As installers do it: the new file has the name of the old one at once. Another process writes it: a file that is
    /// open for writing in this one, or for a moment in one that is just being started, cannot be executed.
    fn put(&self, make: &str) {
        let make = format!("{make}\nchmod +x next && mv next widgetapp");
        let real = env!("CARGO_BIN_EXE_widgetapp");
        let made = Command::new("sh").args(["-e", "-c", &make]).env("REAL", real).current_dir(self.here()).status();
        assert!(made.expect("a shell").success());
    }
}
