//! The guides' executed examples.

use cucumber::when;

use crate::{examples, scene::Scene};

#[when(expr = "the example {string} is executed")]
async fn executed(scene: &mut Scene, id: String) {
    examples::execute(scene, &id).await;
}
