//! The descriptions that the server publishes.

use cucumber::then;

use crate::{described, scene::Scene};

#[then(expr = "it is the guides' own {string}")]
async fn is_the_guides_own(scene: &mut Scene, name: String) {
    let same = scene.answer().json() == described::published(&name);
    assert!(same, "the server publishes another {name} than the guides");
}
