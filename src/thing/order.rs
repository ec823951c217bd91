//! Whether changes stand in the order that an update claims. Only reads.

use yrs::{Assoc, ClientID, ID, ReadTxn, StickyIndex};

use super::known::Id;

/// Whether the second change of each pair stands behind the first in one sequence. If not, where an
/// insertion between them lands depends on how the library has cut its blocks, and a document built
/// from the log could differ. Each look-up walks the sequence, hence the bound.
pub(super) fn in_order<T: ReadTxn>(txn: &T, pairs: Vec<&(Id, Id)>) -> bool {
    const MOST: usize = 1_024;
    let place = |(client, clock): Id, assoc| {
        let index = StickyIndex::from_id(ID::new(ClientID::new(client), clock), assoc);
        let offset = index.get_offset(txn)?;
        Some((offset.branch.id(), offset.index))
    };
    pairs.into_iter().take(MOST).all(|&(left, right)| {
        match (place(left, Assoc::Before), place(right, Assoc::After)) {
            (Some(left), Some(right)) => left.0 == right.0 && left.1 <= right.1,
            // Collected as garbage, with all that hung there.
            _ => true,
        }
    })
}
