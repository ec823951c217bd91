//! Long options with one dash, as the guides write them: `-process _sfe -n 3 -start`.

use std::ffi::OsString;

use clap::{Command, Parser};

/// Parses the command line of this process; a wrong one ends it with code 2.
pub fn parse<P: Parser>() -> P {
    P::parse_from(normalise(&P::command(), std::env::args_os()))
}

/// Gives a second dash to every argument that begins with one and names a long option.
fn normalise(command: &Command, arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let long: Vec<&str> = command.get_arguments().filter_map(clap::Arg::get_long).chain(["help", "version"]).collect();
    let mut options_over = false;
    let second_dash = |argument: OsString| {
        options_over |= argument == "--";
        let Some(text) = argument.to_str().filter(|_| !options_over) else { return argument };
        let name = text.strip_prefix('-').map(|rest| rest.split_once('=').map_or(rest, |(name, _)| name));
        match name {
            Some(name) if long.contains(&name) => format!("-{text}").into(),
            _ => argument,
        }
    };
    arguments.map(second_dash).collect()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[derive(Parser, Debug, PartialEq)]
    struct Options {
        #[arg(long)]
        process: Option<String>,
        #[arg(short, long)]
        number: Option<u32>,
        #[arg(long)]
        start: bool,
        rest: Vec<String>,
    }

    fn parse(line: &str) -> Result<Options, clap::Error> {
        let arguments = std::iter::once("x").chain(line.split(' ')).map(OsString::from);
        Options::try_parse_from(normalise(&Options::command(), arguments))
    }

    #[test]
    fn one_dash_and_two_mean_the_same() {
        let expected = Options { process: Some("_sfe".into()), number: Some(3), start: true, rest: vec![] };
        for line in ["-process _sfe -n 3 -start", "--process _sfe --number 3 --start", "-process=_sfe -n3 -start"] {
            assert_eq!(parse(line).unwrap(), expected, "{line}");
        }
    }

    #[test]
    fn what_follows_two_dashes_is_left_alone() {
        assert_eq!(parse("-start -- -process").unwrap().rest, ["-process"]);
        assert!(parse("-stop").is_err());
    }
}
