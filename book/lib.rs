//! The parts of the guides that are made from the code, and the checks of all pages.
//!
//! `cargo test -p book` compares; with `BOOK=write` in the environment it writes what differs.

pub mod codes;

#[cfg(test)]
mod pages;
