//! Whole books of a page or two, with a ledger of three claims.
