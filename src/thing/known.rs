//! What a document holds, as far as judging the next update needs it: how far each client's changes
//! go, and how deep its shared types nest. A copy of facts, so that no update costs a walk of the
//! document; it never looks at one.

use std::collections::HashMap;

use super::ThingError;

/// A change's identity in Yjs: the client that made it, and its clock among that client's changes.
pub(super) type Id = (u64, u32);

/// The facts about one document.
#[derive(Debug, Default, Clone)]
pub(super) struct Known {
    ends: HashMap<u64, u32>,
    depths: HashMap<Id, u8>,
    deepest: u8,
    typing: HashMap<u64, Typed>,
}

/// Where a client typed last: its last change, and the one that stands behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Typed {
    pub(super) last: Id,
    pub(super) right: Id,
}

/// What an update brings.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Each client in it with the clock after that client's last change.
    pub(super) ends: Vec<(u64, u32)>,
    /// Each shared type in it with its depth: 1 directly in a root.
    pub(super) depths: Vec<(Id, u8)>,
    /// Pairs of changes between which the update puts something.
    pub(super) between: Vec<(Id, Id)>,
    /// Where each client in it typed last.
    pub(super) typing: Vec<(u64, Typed)>,
}

/// Where a block hangs.
#[derive(Clone, Copy)]
pub(super) enum Parent {
    /// In a root.
    Root,
    /// In the shared type made by this change.
    Type(Id),
    /// Where its neighbour hangs.
    Like(Id),
    /// Nowhere: it only stands for changes of the past.
    Gone,
}

/// Consecutive changes of one client that are stored as one.
pub(super) struct Block {
    pub(super) clock: u32,
    pub(super) len: u32,
    pub(super) parent: Parent,
    pub(super) is_type: bool,
}

impl Known {
    /// The clock that the next change of `client` has to carry.
    pub(super) fn end(&self, client: u64) -> u32 {
        self.ends.get(&client).copied().unwrap_or(0)
    }

    /// Whether the document has this change.
    pub(super) fn has(&self, (client, clock): Id) -> bool {
        clock < self.end(client)
    }

    /// Where `client` typed last.
    pub(super) fn typed(&self, client: u64) -> Option<Typed> {
        self.typing.get(&client).copied()
    }

    /// Takes over what an applied update brought.
    pub(super) fn learn(&mut self, found: Found) {
        for (client, end) in found.ends {
            let known = self.ends.entry(client).or_default();
            *known = end.max(*known);
        }
        self.typing.extend(found.typing);
        for (id, depth) in found.depths {
            self.deepest = self.deepest.max(depth);
            self.depths.insert(id, depth);
        }
    }

    /// The depth of each shared type among `clients`' blocks, each client's in the order of clocks.
    ///
    /// # Errors
    /// `IncompleteUpdate` if blocks hang in each other.
    pub(super) fn depths(&self, clients: &HashMap<u64, Vec<Block>>) -> Result<Vec<(Id, u8)>, ThingError> {
        let mut levels = HashMap::new();
        let mut found = Vec::new();
        for (&client, blocks) in clients {
            for block in blocks.iter().filter(|block| block.is_type) {
                let level = self.level((client, block.clock), clients, &mut levels)?;
                found.push(((client, block.clock), level.saturating_add(1)));
            }
        }
        Ok(found)
    }

    /// How many shared types a block hangs in. Follows the chain in a loop, because a stranger
    /// decides how long it is.
    fn level(
        &self,
        of: Id,
        clients: &HashMap<u64, Vec<Block>>,
        levels: &mut HashMap<Id, Option<u8>>,
    ) -> Result<u8, ThingError> {
        let mut chain = Vec::new();
        let mut next = of;
        let mut level = loop {
            let Some((start, parent)) = find(next, clients) else {
                break self.outside(next);
            };
            match levels.get(&start) {
                Some(Some(level)) => break *level,
                Some(None) => return Err(ThingError::IncompleteUpdate),
                None => {}
            }
            match parent {
                Parent::Root | Parent::Gone => {
                    levels.insert(start, Some(0));
                    break 0;
                }
                Parent::Like(id) => {
                    levels.insert(start, None);
                    chain.push((start, 0));
                    next = id;
                }
                Parent::Type(id) => {
                    levels.insert(start, None);
                    chain.push((start, 1));
                    next = id;
                }
            }
        };
        for (block, step) in chain.into_iter().rev() {
            level = level.saturating_add(step);
            levels.insert(block, Some(level));
        }
        Ok(level)
    }

    /// The level of a block that the document already has: known for types, else the most it can be.
    fn outside(&self, id: Id) -> u8 {
        self.depths.get(&id).map_or(self.deepest, |depth| depth.saturating_sub(1))
    }
}

/// The block that holds the change `id`: its own id, and where it hangs.
fn find(id: Id, clients: &HashMap<u64, Vec<Block>>) -> Option<(Id, Parent)> {
    let blocks = clients.get(&id.0)?;
    let after = blocks.partition_point(|block| block.clock <= id.1);
    let block = &blocks[after.checked_sub(1)?];
    (id.1 - block.clock < block.len).then_some(((id.0, block.clock), block.parent))
}
