//! Questions to the planner and the simulator. They are asked in this process: what makes load is not built for it.

use capacity::{command, synthetic};
use cucumber::{given, then, when};
use serde_json::Value;

use crate::scene::{Scene, aside};

/// In a question this is the calibration of the scenario.
const FILE: &str = "calibration.json";

#[given("a calibration that was invented for the tests")]
async fn calibration(scene: &mut Scene) {
    write(scene, usize::MAX);
}

#[given(expr = "only {int} of its steps count")]
async fn few_steps(scene: &mut Scene, count: usize) {
    write(scene, count);
}

fn write(scene: &mut Scene, counting: usize) {
    let mut calibration = synthetic::calibration();
    let others = calibration.steps.iter_mut().skip(counting);
    others.for_each(|step| step.invalid.push("the generator was too busy".into()));
    let folder = tempfile::TempDir::new().expect("a temporary directory");
    std::fs::write(folder.path().join(FILE), calibration.to_json()).expect("it can be written");
    scene.folder = Some(folder);
}

#[when(expr = "the administrator asks {string}")]
async fn asks(scene: &mut Scene, line: String) {
    scene.question = line.split_whitespace().map(str::to_owned).collect();
    ask(scene).await;
}

async fn ask(scene: &mut Scene) {
    let folder = scene.folder.as_ref().map(|folder| folder.path().to_owned());
    let place = |word: &String| match &folder {
        Some(folder) if word == FILE => folder.join(FILE).display().to_string(),
        _ => word.clone(),
    };
    let words: Vec<String> = scene.question.iter().map(place).collect();
    let ended = aside(move || command::execute(words)).await;
    scene.command = Some((ended.code.into(), ended.output, ended.errors));
}

fn output(scene: &Scene) -> &str {
    &scene.command.as_ref().expect("something was asked").1
}

#[then(expr = "the estimate says {string}")]
async fn says(scene: &mut Scene, what: String) {
    let said = output(scene).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains(&what), "{}", output(scene));
}

#[then(expr = "the estimate does not say {string}")]
async fn does_not_say(scene: &mut Scene, what: String) {
    assert!(!output(scene).is_empty() && !output(scene).contains(&what), "{}", output(scene));
}

#[then("asked again, the answer is the same")]
async fn the_same(scene: &mut Scene) {
    let before = output(scene).to_owned();
    ask(scene).await;
    assert!(!before.is_empty() && output(scene) == before, "{before}\n{}", output(scene));
}

#[then(expr = "with the seed {int} it is another")]
async fn another(scene: &mut Scene, seed: u64) {
    let before = output(scene).to_owned();
    scene.question.extend(["--seed".into(), seed.to_string()]);
    ask(scene).await;
    assert!(!output(scene).is_empty() && output(scene) != before, "{before}");
}

#[then(expr = "each edit has reached {int} others, and {int} connections have dropped")]
async fn reached(scene: &mut Scene, others: u64, dropped: u64) {
    let outcome: Value = serde_json::from_str(output(scene)).expect("JSON was asked for");
    let edits = outcome["edits"].as_u64().expect("it counts edits");
    assert!(edits > 0, "{outcome}");
    assert_eq!(outcome["deliveries"].as_u64(), Some(edits * others));
    assert_eq!(outcome["recovery"]["dropped"].as_u64(), Some(dropped));
}
