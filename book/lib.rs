//! The checks of all pages of the guides: `cargo test -p book`.

#[cfg(test)]
mod pages;
