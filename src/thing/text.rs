//! The smallest insertions and deletions that turn one text into another.
//!
//! Offsets and lengths count UTF-16 units, as Yjs does, and never fall inside a character. Knows
//! nothing of documents.

use std::collections::HashMap;

use dissimilar::Chunk;

/// One place at which the old text changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Splice {
    /// Where in the old text, in UTF-16 units.
    pub(super) at: u32,
    /// How many units of the old text go.
    pub(super) delete: u32,
    /// What comes in their place.
    pub(super) insert: String,
}

/// How many comparisons one text may cost: some milliseconds. Beyond it, whole lines are compared
/// first, and what differs in too much between them is replaced as one.
const BUDGET: usize = 4_000_000;

/// The splices from `old` to `new`, in the order of their places.
pub(super) fn splices(old: &str, new: &str) -> Vec<Splice> {
    let mut found = Collector { at: 0, splices: Vec::new(), budget: BUDGET };
    found.gap(old, new, true);
    found.splices
}

/// The length of `text` in UTF-16 units. A document is far below 4 Gi of them.
pub(super) fn units(text: &str) -> u32 {
    u32::try_from(text.encode_utf16().count()).unwrap_or(u32::MAX)
}

struct Collector {
    at: u32,
    splices: Vec<Splice>,
    budget: usize,
}

impl Collector {
    fn gap(&mut self, old: &str, new: &str, by_lines: bool) {
        let pairs = old.chars().zip(new.chars()).take_while(|(a, b)| a == b);
        let prefix: usize = pairs.map(|(a, _)| a.len_utf8()).sum();
        let (old_rest, new_rest) = (&old[prefix..], &new[prefix..]);
        let pairs = old_rest.chars().rev().zip(new_rest.chars().rev()).take_while(|(a, b)| a == b);
        let suffix: usize = pairs.map(|(a, _)| a.len_utf8()).sum();
        let end = old_rest.len() - suffix;
        self.at += units(&old[..prefix]);
        self.middle(&old_rest[..end], &new_rest[..new_rest.len() - suffix], by_lines);
        self.at += units(&old_rest[end..]);
    }

    fn middle(&mut self, old: &str, new: &str, by_lines: bool) {
        let cost = old.len().saturating_mul(new.len());
        if cost <= self.budget {
            self.budget -= cost;
            for chunk in dissimilar::diff(old, new) {
                match chunk {
                    Chunk::Equal(text) => self.at += units(text),
                    Chunk::Delete(text) => self.replace(text, ""),
                    Chunk::Insert(text) => self.replace("", text),
                }
            }
        } else if by_lines {
            self.lines(old, new);
        } else {
            self.replace(old, new);
        }
    }

    /// Lines that occur once in both texts, as far as they are in the same order, hold; what is
    /// between them is compared by itself (a patience diff). Never slow, whatever the texts are.
    fn lines(&mut self, old: &str, new: &str) {
        let mut seen: HashMap<&str, [(usize, usize); 2]> = HashMap::new();
        for (side, text) in [old, new].into_iter().enumerate() {
            let mut at = 0;
            for line in text.split_inclusive('\n') {
                let (count, place) = &mut seen.entry(line).or_default()[side];
                *count += 1;
                *place = at;
                at += line.len();
            }
        }
        let unique = seen.into_iter().filter_map(|(line, sides)| match sides {
            [(1, old), (1, new)] => Some((old, new, line)),
            _ => None,
        });
        let mut anchors: Vec<_> = unique.collect();
        anchors.sort_unstable();
        let (mut old_at, mut new_at) = (0, 0);
        for (old_line, new_line, line) in longest_rise(anchors) {
            self.gap(&old[old_at..old_line], &new[new_at..new_line], false);
            self.at += units(line);
            (old_at, new_at) = (old_line + line.len(), new_line + line.len());
        }
        self.gap(&old[old_at..], &new[new_at..], false);
    }

    fn replace(&mut self, old: &str, new: &str) {
        if old.is_empty() && new.is_empty() {
            return;
        }
        let delete = units(old);
        match self.splices.last_mut() {
            Some(last) if last.at + last.delete == self.at => {
                last.delete += delete;
                last.insert.push_str(new);
            }
            _ => self.splices.push(Splice { at: self.at, delete, insert: new.to_owned() }),
        }
        self.at += delete;
    }
}

/// Of `anchors`, in the order of their first numbers, the most whose second numbers rise too.
fn longest_rise(anchors: Vec<(usize, usize, &str)>) -> Vec<(usize, usize, &str)> {
    // For each length, the anchor with the smallest second number that ends a rise of that length.
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(anchors.len());
    for (index, &(_, new, _)) in anchors.iter().enumerate() {
        let len = ends.partition_point(|&end| anchors[end].1 < new);
        before.push(len.checked_sub(1).map(|shorter| ends[shorter]));
        if len == ends.len() {
            ends.push(index);
        } else {
            ends[len] = index;
        }
    }
    let mut next = ends.last().copied();
    let mut rise = Vec::with_capacity(ends.len());
    while let Some(index) = next {
        rise.push(anchors[index]);
        next = before[index];
    }
    rise.reverse();
    rise
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn apply(old: &str, splices: &[Splice]) -> String {
        let mut units: Vec<u16> = old.encode_utf16().collect();
        for splice in splices.iter().rev() {
            let (at, end) = (splice.at as usize, (splice.at + splice.delete) as usize);
            units.splice(at..end, splice.insert.encode_utf16());
        }
        String::from_utf16(&units).unwrap()
    }

    #[test]
    fn one_letter_typed_is_one_insertion() {
        let insert = |at, text: &str| vec![Splice { at, delete: 0, insert: text.into() }];
        assert_eq!(splices("hello", "hello A"), insert(5, " A"));
        assert_eq!(splices("hello", "B hello"), insert(0, "B "));
        assert_eq!(splices("🙂🙃", "🙂x🙃"), insert(2, "x"));
    }

    #[test]
    fn two_edits_far_apart_in_a_large_text_stay_two() {
        let old: String = (0..4_000).map(|line| format!("this is line {line} of the notes\n")).collect();
        let new = old.replace("line 5 of", "line five of").replace("line 3990 of", "line 399O of");
        let found = splices(&old, &new);
        assert!(found.len() <= 4 && found.iter().all(|splice| splice.insert.len() < 10), "{} splices", found.len());
        assert_eq!(apply(&old, &found), new);
    }

    #[test]
    fn texts_without_anything_in_common_do_not_take_for_ever() {
        let (old, new) = ("a".repeat(300_000), "b".repeat(300_000));
        assert_eq!(apply(&old, &splices(&old, &new)), new);
    }

    proptest! {
        #[test]
        fn the_splices_lead_from_the_old_text_to_the_new(old in "[ab🙂\u{e9}\n]{0,30}", new in "[ab🙂\u{e9}\n]{0,30}") {
            prop_assert_eq!(apply(&old, &splices(&old, &new)), new.clone());
            let mut by_lines = Collector { at: 0, splices: Vec::new(), budget: BUDGET };
            by_lines.lines(&old, &new);
            prop_assert_eq!(apply(&old, &by_lines.splices), new);
        }
    }
}
