//! The changes of one Thing as one receiver has them: each has a number that is one higher than that of the change
//! before, so what is missing, comes twice or stands in the wrong place shows by the numbers alone.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

/// Changes that did not arrive as they should, counted for each receiver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Misplaced {
    /// They never came.
    pub lost: u64,
    /// They came again.
    pub duplicate: u64,
    /// They came before one that stands in front of them.
    pub out_of_order: u64,
}

impl AddAssign for Misplaced {
    fn add_assign(&mut self, other: Self) {
        self.lost += other.lost;
        self.duplicate += other.duplicate;
        self.out_of_order += other.out_of_order;
    }
}

/// How far a receiver has got in one Thing.
#[derive(Clone, Debug)]
pub struct Order {
    /// The highest number that came.
    known: u64,
    /// Numbers below it that have not come yet.
    missing: Vec<u64>,
    misplaced: Misplaced,
}

/// Numbers that are waited for one by one; a larger hole is taken as lost at once.
const MOST_MISSING: u64 = 10_000;

impl Order {
    /// All changes up to this one are there.
    pub fn from(offset: u64) -> Self {
        Self { known: offset, missing: Vec::new(), misplaced: Misplaced::default() }
    }

    /// The highest number that came.
    pub fn known(&self) -> u64 {
        self.known
    }

    /// A change came. Says whether it is new.
    pub fn take(&mut self, offset: u64) -> bool {
        if offset <= self.known {
            let Some(place) = self.missing.iter().position(|missing| *missing == offset) else {
                self.misplaced.duplicate += 1;
                return false;
            };
            self.missing.swap_remove(place);
            return true;
        }
        let hole = offset - self.known - 1;
        if hole > 0 {
            self.misplaced.out_of_order += 1;
            if hole > MOST_MISSING {
                self.misplaced.lost += hole;
            } else {
                self.missing.extend(self.known + 1..offset);
            }
        }
        self.known = offset;
        true
    }

    /// The whole state came: everything up to here is in it, though not one by one.
    pub fn restart(&mut self, offset: u64) {
        self.missing.clear();
        self.known = self.known.max(offset);
    }

    /// What is to be said of it now that all is over, if the last change of the Thing has this number.
    pub fn conclude(&self, last: u64) -> Misplaced {
        let behind = last.saturating_sub(self.known);
        Misplaced { lost: self.misplaced.lost + self.missing.len() as u64 + behind, ..self.misplaced }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn taken(offsets: &[u64], last: u64) -> (u64, u64, u64) {
        let mut order = Order::from(5);
        offsets.iter().for_each(|offset| {
            order.take(*offset);
        });
        let Misplaced { lost, duplicate, out_of_order } = order.conclude(last);
        (lost, duplicate, out_of_order)
    }

    #[test]
    fn each_fault_is_counted_as_what_it_is() {
        assert_eq!(taken(&[6, 7, 8], 8), (0, 0, 0));
        assert_eq!(taken(&[6, 8], 8), (1, 0, 1), "one never came");
        assert_eq!(taken(&[6, 8, 7], 8), (0, 0, 1), "it came late");
        assert_eq!(taken(&[6, 7, 7, 6, 5], 7), (0, 3, 0));
        assert_eq!(taken(&[6], 9), (3, 0, 0), "the end is missing");
        assert_eq!(taken(&[1_000_000], 1_000_000), (999_994, 0, 1));
    }

    #[test]
    fn the_whole_state_fills_what_was_missing() {
        let mut order = Order::from(5);
        order.take(9);
        order.restart(12);
        assert!(order.take(13) && !order.take(12));
        assert_eq!(order.conclude(13), Misplaced { lost: 0, duplicate: 1, out_of_order: 1 });
    }

    proptest! {
        /// Whatever comes in whichever order: nothing is lost in the end exactly if every number came.
        #[test]
        fn what_came_is_not_lost(mut offsets in prop::collection::vec(1u64..60, 0..80)) {
            let mut order = Order::from(0);
            let new = offsets.iter().filter(|offset| order.take(**offset)).count();
            offsets.sort_unstable();
            offsets.dedup();
            prop_assert_eq!(new, offsets.len());
            prop_assert_eq!(order.conclude(60).lost, 60 - offsets.len() as u64);
        }
    }
}
