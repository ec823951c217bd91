//! Plays `session.console`: commands in terminals.

use std::collections::BTreeMap;

use book::examples::console::{Session, Step};

use super::{Played, stage::Stage, terminal::Terminal, tidy};
use crate::scene::Scene;

/// Enters the commands in their order. At the first difference it stops, and leaves what follows as it was.
pub async fn play(scene: &Scene, stage: &mut Stage, text: &str, recording: bool) -> Played {
    let written = Session::parse(text);
    let mut played = written.clone();
    let mut terminals = BTreeMap::<String, Terminal>::new();
    let mut fault = None;
    for (index, (step, expected)) in played.steps.iter_mut().zip(&written.steps).enumerate() {
        let terminal = terminals.entry(step.terminal.clone()).or_insert_with(|| Terminal::open(stage));
        if let Some(command) = &step.command {
            match stage.fill_in(scene, command).await {
                Ok(command) => terminal.enter(&command),
                Err(why) => {
                    fault = Some(format!("{command}: {why}"));
                    break;
                }
            }
        }
        follow(step, terminal, stage, written.goes_on(index), recording).await;
        if step != expected && !recording {
            break;
        }
    }
    let well = fault.is_none() && (recording || played == written);
    if well
        && let Some((name, more)) = terminals.iter().map(|(name, it)| (name, it.text())).find(|(_, it)| !it.is_empty())
    {
        fault = Some(format!("terminal {name:?} has printed more in the end:\n{}", tidy(&mut stage.redactions, &more)));
    }
    let shown = played.steps.iter().filter(|step| !step.output.is_empty()).count();
    Played { text: played.render(), shown, fault }
}

/// Takes what a command prints.
async fn follow(step: &mut Step, terminal: &Terminal, stage: &mut Stage, goes_on: bool, recording: bool) {
    let ends = !goes_on && step.interrupted.is_none();
    let (output, code) = match (ends, recording) {
        (true, _) => terminal.finish().await,
        // Where it pauses is the author's choice, and without one where it is quiet.
        (false, true) if step.output.is_empty() => terminal.quiet().await,
        (false, _) => terminal.lines(step.output.lines().count()).await,
    };
    stage.meet_people();
    step.output = tidy(&mut stage.redactions, &output);
    step.exit = match code {
        // A command that ends well need not say so.
        Some(0) if step.command.is_some() && !goes_on => None,
        code => code,
    };
    if let Some(rest) = &mut step.interrupted {
        terminal.interrupt();
        let (output, code) = terminal.finish().await;
        *rest = tidy(&mut stage.redactions, &output);
        step.exit = code.filter(|code| *code != 0);
    }
}
