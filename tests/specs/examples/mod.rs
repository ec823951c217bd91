//! Runs the guides' executed examples and compares what comes with what they show: byte by byte, apart from what
//! differs from run to run. `SNAPSHOTS=overwrite` writes down what comes.
//!
//! | file | what it is |
//! |---|---|
//! | `needs` | what must be on the machine |
//! | `stage` | the folder and the values of one run |
//! | `session`, `terminal` | commands, and the shells that run them |
//! | `exchange` | requests over HTTP |
//! | `stream` | messages over websockets |

mod exchange;
pub mod needs;
mod session;
mod stage;
mod stream;
mod terminal;

use std::path::Path;

use book::examples::{self, Example, console, redactions};
use similar::TextDiff;

use self::stage::Stage;
use crate::scene::Scene;

/// What asks for a recording.
const RECORDING: (&str, &str) = ("SNAPSHOTS", "overwrite");

/// Executes one example.
pub async fn execute(scene: &mut Scene, id: &str) {
    let all = examples::read_all().unwrap_or_else(|why| panic!("{why}"));
    let example = all.into_iter().find(|example| example.id == id).expect("the example is there");
    let recording = std::env::var(RECORDING.0).is_ok_and(|value| value == RECORDING.1);
    needs::check(&example.manifest.needs).await;
    let mut stage = Stage::set(scene, &example).await;
    let mut executed = 0;
    for (name, text) in &example.files {
        let played = match name.as_str() {
            console::FILE => session::play(scene, &mut stage, text, recording).await,
            examples::exchange::FILE => exchange::play(scene, &mut stage, text).await,
            examples::stream::FILE => stream::play(scene, &mut stage, text).await,
            _ => continue,
        };
        executed += 1;
        conclude(&example, name, text, &played, recording);
    }
    assert!(executed > 0, "{}: nothing in it is executed", example.proof());
}

/// What came of a file.
struct Played {
    /// The file as it should be.
    text: String,
    /// How many messages or outputs it shows.
    shown: usize,
    /// What went wrong beside that.
    fault: Option<String>,
}

fn conclude(example: &Example, name: &str, text: &str, played: &Played, recording: bool) {
    let file = format!("{}/{name}", example.proof());
    assert!(played.shown > 0, "{file}: nothing is shown, so nothing is proven");
    if let Some(fault) = &played.fault {
        panic!("{file}: {fault}");
    }
    if played.text == text {
        return;
    }
    if recording {
        std::fs::write(book::root().join(Path::new(&file)), &played.text).expect("the example can be written");
        return;
    }
    let diff = TextDiff::from_lines(text, &played.text);
    let diff = diff.unified_diff().context_radius(4).header(&file, "what came").to_string();
    panic!("{file}: what came is not what it shows ({}={} writes it down)\n{diff}", RECORDING.0, RECORDING.1);
}

/// Text that was printed or sent, as the examples show it.
fn tidy(redactions: &mut redactions::Redactions, text: &str) -> String {
    let text = redactions.redact(text);
    text.trim_end().lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}
