//! Reads a Yjs update (version 1) without applying it, and says whether it may be applied.
//!
//! The CRDT library trusts what it decodes: it reserves the memory that an update claims, recurses
//! as deep as it nests, and panics half-way on clocks that make no sense. So strangers' bytes are
//! walked here first, with nothing reserved and nothing recursed without a bound. This module owns
//! the format of an update; it never touches a document.

use std::collections::HashMap;

use super::{
    ThingError,
    known::{Block, Found, Id, Known, Parent, Typed},
    reader::Reader,
};
use crate::protocol::limits::MAX_NESTING;

/// Whose bytes are inspected.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Trust {
    /// A stranger's: every rule holds.
    None,
    /// Our own, from a document or the log: they are only read.
    Own,
}

/// Reads `update`, which is to be applied to a document that holds `known`.
///
/// # Errors
/// `InvalidUpdate` if it is not one or breaks a bound; `IncompleteUpdate` if it does not directly
/// continue what is known.
pub(super) fn inspect(update: &[u8], known: &Known, trust: Trust) -> Result<Found, ThingError> {
    let mut walk = Walk {
        reader: Reader { bytes: update, at: 0 },
        known,
        trust,
        needs: Vec::new(),
        between: Vec::new(),
        typed: None,
        typing: Vec::new(),
        clients: HashMap::new(),
    };
    walk.blocks()?;
    walk.deletions()?;
    if walk.reader.at != update.len() && trust == Trust::None {
        return Err(ThingError::InvalidUpdate("bytes after its end"));
    }
    if trust == Trust::None && walk.needs.iter().any(|&(client, clock)| clock >= walk.end(client)) {
        return Err(ThingError::IncompleteUpdate);
    }
    let depths = known.depths(&walk.clients)?;
    if trust == Trust::None && depths.iter().any(|&(_, depth)| usize::from(depth) > MAX_NESTING) {
        return Err(ThingError::InvalidUpdate("types nested too deep"));
    }
    let ends = walk
        .clients
        .iter()
        .filter_map(|(&client, blocks)| blocks.last().map(|last| (client, last.clock + last.len)))
        .collect();
    Ok(Found { ends, depths, between: walk.between, typing: walk.typing })
}

struct Walk<'a> {
    reader: Reader<'a>,
    known: &'a Known,
    trust: Trust,
    /// Changes of other clients that this update builds on and that are not known yet.
    needs: Vec<Id>,
    between: Vec<(Id, Id)>,
    /// Where the client that is being read typed last.
    typed: Option<Typed>,
    typing: Vec<(u64, Typed)>,
    clients: HashMap<u64, Vec<Block>>,
}

impl Walk<'_> {
    fn blocks(&mut self) -> Result<(), ThingError> {
        for _ in 0..self.reader.number()? {
            let count = self.reader.number()?;
            let client = self.reader.client()?;
            let mut clock = self.reader.number()?;
            if self.clients.contains_key(&client) {
                return Err(ThingError::InvalidUpdate("a client occurs twice"));
            }
            if self.trust == Trust::None && clock > self.known.end(client) {
                return Err(ThingError::IncompleteUpdate);
            }
            let mut blocks = Vec::new();
            self.typed = self.known.typed(client);
            for _ in 0..count {
                let block = self.block(client, clock)?;
                // Clocks are cast to i32 by the library.
                clock = clock
                    .checked_add(block.len)
                    .filter(|&end| end <= i32::MAX.cast_unsigned())
                    .ok_or(ThingError::InvalidUpdate("a clock beyond its range"))?;
                if block.len > 0 {
                    blocks.push(block);
                }
            }
            self.clients.insert(client, blocks);
            self.typing.extend(self.typed.map(|typed| (client, typed)));
        }
        Ok(())
    }

    fn block(&mut self, client: u64, clock: u32) -> Result<Block, ThingError> {
        const GARBAGE: u8 = 0;
        const SKIP: u8 = 10;
        let info = self.reader.byte()?;
        if info == GARBAGE || info == SKIP {
            let len = self.reader.number()?;
            if len == 0 {
                return Err(ThingError::InvalidUpdate("an empty block"));
            }
            if info == SKIP && self.trust == Trust::None && len > self.known.end(client).saturating_sub(clock) {
                return Err(ThingError::IncompleteUpdate);
            }
            return Ok(Block { clock, len, parent: Parent::Gone, is_type: false });
        }
        let left = if info & 0x80 != 0 { Some(self.needed((client, clock))?) } else { None };
        let right = if info & 0x40 != 0 { Some(self.needed((client, clock))?) } else { None };
        if let (Some(left), Some(right)) = (left, right) {
            if left == right && self.trust == Trust::None {
                return Err(ThingError::InvalidUpdate("an insertion between a change and itself"));
            }
            // Who goes on typing where they typed is still before what stood behind them: looking
            // that up would cost a walk of the text for each letter.
            if self.typed != Some(Typed { last: left, right }) {
                self.between.push((left, right));
            }
        }
        let parent = match left.or(right) {
            Some(id) => Parent::Like(id),
            None => {
                let parent = if self.reader.number()? == 1 {
                    self.reader.text()?;
                    Parent::Root
                } else {
                    Parent::Type(self.needed((client, clock))?)
                };
                if info & 0x20 != 0 {
                    self.reader.text()?;
                }
                parent
            }
        };
        let (len, is_type) = self.content(info & 0x1f)?;
        if let (Some(right), 1..) = (right, len) {
            let last = (client, clock.saturating_add(len - 1));
            self.typed = Some(Typed { last, right });
        }
        Ok(Block { clock, len, parent, is_type })
    }

    /// Reads the id of a change that `from` builds on.
    fn needed(&mut self, from: Id) -> Result<Id, ThingError> {
        let id = (self.reader.client()?, self.reader.number()?);
        if id.0 == from.0 {
            if id.1 >= from.1 && self.trust == Trust::None {
                return Err(ThingError::InvalidUpdate("a change that builds on a later one"));
            }
        } else if id.1 >= self.known.end(id.0) {
            self.needs.push(id);
        }
        Ok(id)
    }

    /// Reads a block's content: its length in clocks, and whether it is a shared type.
    fn content(&mut self, kind: u8) -> Result<(u32, bool), ThingError> {
        match kind {
            1 => return Ok((self.reader.number()?, false)),
            3 => {
                self.reader.bytes()?;
            }
            4 => {
                let units = self.reader.text()?.encode_utf16().count();
                let len = u32::try_from(units).map_err(|_| ThingError::InvalidUpdate("a text beyond its range"))?;
                return Ok((len, false));
            }
            5 => {
                self.reader.text()?;
            }
            6 => {
                self.reader.text()?;
                self.reader.text()?;
            }
            7 => {
                match self.reader.byte()? {
                    3 => {
                        self.reader.text()?;
                    }
                    // Array, map, text, XML fragment and XML text; hooks, links and subdocuments
                    // have no place in a Thing.
                    0 | 1 | 2 | 4 | 6 => {}
                    _ => return Err(ThingError::InvalidUpdate("a kind of type that Things do not have")),
                }
                return Ok((1, true));
            }
            8 => {
                let len = self.reader.number()?;
                for _ in 0..len {
                    self.value(0)?;
                }
                return Ok((len, false));
            }
            _ => return Err(ThingError::InvalidUpdate("a kind of content that Things do not have")),
        }
        Ok((1, false))
    }

    fn value(&mut self, depth: usize) -> Result<(), ThingError> {
        let reader = &mut self.reader;
        match reader.byte()? {
            120 | 121 | 126 | 127 => {}
            125 => {
                reader.varint()?;
            }
            124 => {
                reader.take(4)?;
            }
            123 | 122 => {
                reader.take(8)?;
            }
            119 => {
                reader.text()?;
            }
            116 => {
                reader.bytes()?;
            }
            kind @ (117 | 118) => {
                if depth >= MAX_NESTING && self.trust == Trust::None {
                    return Err(ThingError::InvalidUpdate("a value nested too deep"));
                }
                for _ in 0..reader.number()? {
                    if kind == 118 {
                        self.reader.text()?;
                    }
                    self.value(depth + 1)?;
                }
            }
            _ => return Err(ThingError::InvalidUpdate("an unknown kind of value")),
        }
        Ok(())
    }

    fn deletions(&mut self) -> Result<(), ThingError> {
        for _ in 0..self.reader.number()? {
            let client = self.reader.client()?;
            for _ in 0..self.reader.number()? {
                let (start, len) = (self.reader.number()?, self.reader.number()?);
                let end = start.checked_add(len).ok_or(ThingError::InvalidUpdate("a deletion beyond its range"))?;
                if self.trust == Trust::None && end > self.end(client) {
                    return Err(ThingError::IncompleteUpdate);
                }
            }
        }
        Ok(())
    }

    /// The clock after the last change of `client` once the update is applied.
    fn end(&self, client: u64) -> u32 {
        let here = self.clients.get(&client).and_then(|blocks| blocks.last());
        here.map_or(0, |last| last.clock + last.len).max(self.known.end(client))
    }
}
