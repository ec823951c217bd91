//! The clients of a step as users of goose: each role is a scenario, and each user runs it once, from connecting to
//! leaving. Goose starts them, gives each its role by weight, and waits for them. What they see is counted by ourselves:
//! goose knows requests and answers, and nothing of edits that reach others.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use anyhow::Context as _;
use capacity::load::mix::Role;
use goose::{
    GooseAttack,
    client::GooseClientBuilder,
    config::GooseConfiguration,
    goose::{GooseUser, Scenario, Transaction, TransactionFunction, TransactionResult},
};

use super::Shared;
use crate::clients::{participant, visitor};

/// Clients that are started per second. Fewer than a server lets in, so that all come in at their first try.
const PER_SECOND: u32 = 200;
/// The same where one account has to do for all: fewer than one account may open.
const PER_SECOND_OF_ONE: u32 = 80;

/// Lets all of them take part, and returns when the last has left.
///
/// # Errors
/// Goose cannot be set up.
pub async fn attack(scene: Shared) -> anyhow::Result<()> {
    let per_second = if scene.people.len() > 1 { PER_SECOND } else { PER_SECOND_OF_ONE };
    // It has private parts, so it cannot be made at once.
    let mut configuration = GooseConfiguration::default();
    configuration.host = Some(scene.url.clone());
    configuration.users = Some(scene.plan.clients as usize);
    configuration.increase_rate = Some(per_second.to_string());
    configuration.iterations = Some(1);
    configuration.quiet = 1;
    configuration.no_metrics = true;
    configuration.no_print_metrics = true;
    configuration.no_telnet = true;
    // One HTTP client for all: two thousand of them would be most of this program's memory.
    let mut attack = GooseAttack::initialize_with_config(configuration)
        .and_then(|attack| attack.set_client_builder_without_cookies(GooseClientBuilder::new().without_cookies()))
        .context("goose")?;
    // Those who stay are numbered by themselves, so that Things are filled one after the other.
    let (staying, visiting) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    for (role, weight) in scene.load.mix.roles() {
        let numbers = if role.stays() { &staying } else { &visiting };
        let life = Transaction::new(life(Arc::clone(&scene), *role, Arc::clone(numbers)));
        let scenario = Scenario::new(role.name()).register_transaction(life);
        let scenario = scenario.set_weight(*weight as usize).context("goose")?;
        attack = attack.register_scenario(scenario);
    }
    attack.execute().await.context("goose")?;
    Ok(())
}

fn life(scene: Shared, role: Role, numbers: Arc<AtomicUsize>) -> TransactionFunction {
    Arc::new(move |user: &mut GooseUser| -> Pin<Box<dyn Future<Output = TransactionResult> + Send + '_>> {
        let (scene, number) = (Arc::clone(&scene), numbers.fetch_add(1, Relaxed));
        Box::pin(async move {
            if role.stays() {
                participant::take_part(scene, number, role).await;
            } else {
                visitor::visit(scene, number, role, user).await;
            }
            Ok(())
        })
    })
}
