//! What holds for any edits in any order.

use proptest::{collection::vec, prelude::*};
use serde_json::json;
use yrs::{GetString as _, Transact as _, Update};

use super::{
    Base, Document,
    fixture::{Client, Step, any_patch, content, follow},
};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_order_of_delivery_converges_and_the_patches_follow(
        rounds in vec((vec(any::<Step>(), 1..8), vec(any::<Step>(), 0..3), any::<u64>()), 1..6),
    ) {
        let (mut one, mut other, mut copy) = (Document::new(100), Document::new(101), Document::new(102));
        let mut mirror = one.content();
        let clients = [Client::new(1), Client::new(2), Client::new(3)];
        let mut log: Vec<Vec<u8>> = Vec::new();
        for (steps, patches, order) in rounds {
            let mut sent: [Vec<Vec<u8>>; 3] = Default::default();
            for (client, kind, a, b) in steps {
                let client = usize::from(client % 3);
                sent[client].push(clients[client].any_edit(kind, a, b));
            }
            let start = log.len();
            for update in shuffle(&sent, order) {
                let change = one.apply_update(&update, true).unwrap();
                follow(&one, &mut mirror, &mut copy, &change);
                log.push(change.update);
            }
            for update in shuffle(&sent, !order) {
                other.apply_update(&update, false).unwrap();
            }
            prop_assert_eq!(one.content(), other.content());
            for (_, kind, a, b) in patches {
                if let Ok(change) = one.apply_patch(&any_patch(&mirror, kind, a, b), true) {
                    follow(&one, &mut mirror, &mut copy, &change);
                    other.apply_update(&change.update, false).unwrap();
                    log.push(change.update);
                }
            }
            for client in &clients {
                log[start..].iter().for_each(|update| client.take(update));
                prop_assert_eq!(client.notes.get_string(&client.doc.transact()), mirror["notes"].as_str().unwrap());
                // What is sent again changes nothing.
                let again = one.apply_update(&client.state(), true).unwrap();
                prop_assert_eq!(again.patch, Some(json!([])));
                prop_assert_eq!(again.update, Update::EMPTY_V1);
            }
            prop_assert_eq!(one.content(), other.content());
            let loaded = Document::load(&one.state(), 103).unwrap();
            prop_assert_eq!(loaded.content(), mirror.clone());
            // A snapshot is what its changes add up to.
            prop_assert!(loaded.is_same_as(&copy));
        }
    }

    #[test]
    fn a_stale_patch_never_breaks_the_document(
        steps in vec((any::<Step>(), any::<u8>()), 1..20),
    ) {
        let mut document = Document::new(100);
        let mut copy = Document::new(101);
        let mut mirror = document.content();
        let mut log: Vec<Vec<u8>> = Vec::new();
        for (fresh, ((_, kind, a, b), age)) in (200..).zip(steps) {
            let seen = log.len() - usize::from(age) % (log.len() + 1);
            let updates: Vec<&[u8]> = log[..seen].iter().map(Vec::as_slice).collect();
            let base = Base { state: None, updates: &updates, own: &[] };
            let mut past = Document::new(1);
            updates.iter().for_each(|update| past.replay(update).unwrap());
            let patch = any_patch(&past.content(), kind, a, b);
            match document.apply_patch_on(base, &patch, fresh, true) {
                Ok(change) => {
                    follow(&document, &mut mirror, &mut copy, &change);
                    log.push(change.update);
                }
                Err(error) => prop_assert!(!error.poisons(), "{}", error),
            }
        }
    }

    #[test]
    fn whatever_is_taken_back_all_replicas_stay_equal(
        steps in vec((any::<Step>(), any::<bool>()), 1..24),
        taken in vec(any::<u8>(), 1..6),
    ) {
        let (mut document, mut copy) = (Document::new(100), Document::new(101));
        let mut mirror = document.content();
        let clients = [Client::new(1), Client::new(2), Client::new(3)];
        let mut log: Vec<Vec<u8>> = Vec::new();
        for ((client, kind, a, b), patched) in steps {
            let change = if patched {
                let Ok(change) = document.apply_patch(&any_patch(&mirror, kind, a, b), true) else { continue };
                change
            } else {
                document.apply_update(&clients[usize::from(client % 3)].any_edit(kind, a, b), true).unwrap()
            };
            follow(&document, &mut mirror, &mut copy, &change);
            clients.iter().for_each(|client| client.take(&change.update));
            log.push(change.update);
        }
        for which in taken {
            let which = usize::from(which) % (log.len() + 1);
            let mut past = Document::new(102);
            log[..which].iter().for_each(|update| past.replay(update).unwrap());
            let before = past.content();
            if let Some(update) = log.get(which) {
                past.replay(update).unwrap();
            }
            let Ok(change) = document.take_back(&before, &past.content(), true) else { continue };
            follow(&document, &mut mirror, &mut copy, &change);
            if which + 1 == log.len() {
                prop_assert_eq!(&mirror, &before, "the last change is taken back wholly");
            }
            clients.iter().for_each(|client| client.take(&change.update));
            log.push(change.update);
        }
        for client in &clients {
            prop_assert_eq!(client.notes.get_string(&client.doc.transact()), mirror["notes"].as_str().unwrap());
        }
        prop_assert!(Document::load(&document.state(), 103).unwrap().is_same_as(&copy));
    }

    #[test]
    fn whole_content_replaced_is_the_content(steps in vec(any::<Step>(), 0..12), content in content()) {
        let (mut document, mut copy) = (Document::new(100), Document::new(101));
        let client = Client::new(1);
        let mut mirror = document.content();
        for (_, kind, a, b) in steps {
            let change = document.apply_update(&client.any_edit(kind, a, b), true).unwrap();
            follow(&document, &mut mirror, &mut copy, &change);
        }
        let change = document.replace_content(content.clone(), true).unwrap();
        follow(&document, &mut mirror, &mut copy, &change);
        prop_assert_eq!(mirror, content);
    }
}

/// The updates of each client in their order, mixed with those of the others.
fn shuffle(sent: &[Vec<Vec<u8>>; 3], mut order: u64) -> Vec<Vec<u8>> {
    let mut queues = sent.clone().map(|queue| queue.into_iter());
    let mut mixed = Vec::new();
    while queues.iter().any(|queue| queue.len() > 0) {
        order = order.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let pick = usize::try_from(order >> 40).unwrap() % 3;
        mixed.extend(queues[pick].next());
    }
    mixed
}
