//! Long options with one dash, as the guides write them: `-process _sfe -n 3 -start`.

use std::ffi::OsString;

use clap::{
    Command, Error, Parser,
    error::{ContextKind, ContextValue},
};

/// Parses the command line of this process; a wrong one ends it with code 2.
pub fn parse<P: Parser>() -> P {
    parsed(&std::env::args_os().collect::<Vec<_>>()).unwrap_or_else(|error| error.exit())
}

fn parsed<P: Parser>(typed: &[OsString]) -> Result<P, Error> {
    P::try_parse_from(normalise(&P::command(), typed)).map_err(|error| as_typed(error, typed))
}

/// Gives a second dash to every argument that begins with one and names a long option, or no option at all: that is
/// more likely a long one with a slip than several short ones.
fn normalise(command: &Command, typed: &[OsString]) -> Vec<OsString> {
    let long: Vec<&str> = command.get_arguments().filter_map(clap::Arg::get_long).chain(["help", "version"]).collect();
    let short: Vec<char> = command.get_arguments().filter_map(clap::Arg::get_short).chain(['h', 'V']).collect();
    let mut options_over = false;
    let second_dash = |argument: &OsString| {
        options_over |= argument == "--";
        let text = argument.to_str().filter(|_| !options_over);
        let Some(rest) = text.and_then(|text| text.strip_prefix('-')) else { return argument.clone() };
        let name = rest.split_once('=').map_or(rest, |(name, _)| name);
        let is_unknown = rest.chars().next().is_some_and(|first| first != '-' && !short.contains(&first));
        if long.contains(&name) || is_unknown { format!("--{rest}").into() } else { argument.clone() }
    };
    typed.iter().map(second_dash).collect()
}

/// The option that is wrong is named with as many dashes as it was typed with, and so is what it may have meant.
fn as_typed(mut error: Error, typed: &[OsString]) -> Error {
    let Some(ContextValue::String(wrong)) = error.get(ContextKind::InvalidArg) else { return error };
    let one_dash = wrong.strip_prefix('-').filter(|name| name.starts_with('-')).map(str::to_owned);
    let is_typed = |name: &String| {
        typed.iter().filter_map(|argument| argument.to_str()).any(|text| text.split('=').next() == Some(name.as_str()))
    };
    let Some(one_dash) = one_dash.filter(is_typed) else { return error };
    if let Some(ContextValue::String(meant)) = error.get(ContextKind::SuggestedArg) {
        let meant = meant.replacen("--", "-", 1);
        error.insert(ContextKind::SuggestedArg, ContextValue::String(meant));
    }
    error.insert(ContextKind::InvalidArg, ContextValue::String(one_dash));
    error
}

#[cfg(test)]
mod tests {
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

    fn parse(line: &str) -> Result<Options, Error> {
        let typed: Vec<_> = std::iter::once("x").chain(line.split(' ')).map(OsString::from).collect();
        parsed(&typed)
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

    #[test]
    fn an_unknown_option_is_told_as_it_was_typed() {
        for (line, told) in [
            ("-strat", "'-strat' found"),
            ("-strat=3", "'-strat' found"),
            ("--strat", "'--strat' found"),
            ("-strat", "a similar argument exists: '-start'"),
            ("--strat", "a similar argument exists: '--start'"),
            ("-n 3 -5", "'-5' found"),
        ] {
            let error = parse(line).unwrap_err().to_string();
            assert!(error.contains(told), "{line}: {error}");
        }
    }
}
