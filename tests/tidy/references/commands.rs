//! The page of all commands: what the programs themselves say when they are asked for help.

use std::{fmt::Write as _, process::Command};

/// The page as it should be.
pub(super) fn page() -> String {
    let mut page = String::from(
        "# Commands\n\n\
         This page is made from what the programs say themselves: each command explains itself with `--help`.\n",
    );
    describe(&mut page, env!("CARGO_BIN_EXE_widgetapp_admin"), "widgetapp_admin", &[]);
    describe(&mut page, env!("CARGO_BIN_EXE_widgetapp"), "widgetapp", &[]);
    page
}

/// Adds a command and those that it has in it.
fn describe(page: &mut String, program: &str, name: &str, words: &[&str]) {
    let help = help(program, words);
    let full_name = [&[name], words].concat().join(" ");
    let heading = if words.is_empty() { "##" } else { "###" };
    write!(page, "\n{heading} `{full_name}`\n\n```text\n{}\n```\n", help.trim_end()).expect("text takes all text");
    for command in commands(&help) {
        describe(page, program, name, &[words, &[command]].concat());
    }
}

fn help(program: &str, words: &[&str]) -> String {
    // Nothing of the surroundings may show.
    let output = Command::new(program).args(words).arg("--help").env_clear().output().expect("the program runs");
    assert!(output.status.success(), "{program} {words:?} --help");
    let text = String::from_utf8(output.stdout).expect("help is text");
    text.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// The commands that a help names.
fn commands(help: &str) -> Vec<&str> {
    let list = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    // A long description goes on below, further to the right.
    let named = list.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    named.filter_map(|line| line.split_whitespace().next()).filter(|command| *command != "help").collect()
}
