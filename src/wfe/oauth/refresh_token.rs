//! The form of refresh tokens: the id of the grant, a secret that all of the grant's refresh tokens share, and
//! one that only this one has. The shared one proves that a token which is not the present one was once given.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{clock, store::RefreshHashes};

const BYTES: usize = 16 + 16 + 32;

/// A refresh token.
pub(super) struct RefreshToken {
    pub grant: Uuid,
    family: [u8; 16],
    turn: [u8; 32],
}

impl RefreshToken {
    /// A grant's first one.
    pub fn new(grant: Uuid) -> Self {
        Self { grant, family: clock::random_bytes(), turn: clock::random_bytes() }
    }

    /// The one that takes its place.
    pub fn next(&self) -> Self {
        Self { turn: clock::random_bytes(), ..*self }
    }

    /// Reads what a client sends; none if it cannot be one.
    pub fn read(text: &str) -> Option<Self> {
        let mut bytes = [0; BYTES];
        let length = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
        let (grant, rest) = bytes.split_first_chunk()?;
        let (family, turn) = rest.split_first_chunk()?;
        let turn = turn.try_into().ok().filter(|_| length == BYTES)?;
        Some(Self { grant: Uuid::from_bytes(*grant), family: *family, turn })
    }

    /// What the client is given.
    pub fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode([&self.grant.as_bytes()[..], &self.family, &self.turn].concat())
    }

    /// What the store is given.
    pub fn hashes(&self) -> RefreshHashes {
        RefreshHashes { family: Sha256::digest(self.family).into(), turn: Sha256::digest(self.turn).into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refresh_token_is_read_as_it_was_written_and_nothing_else_is() {
        let first = RefreshToken::new(clock::new_id());
        let second = first.next();
        let read = RefreshToken::read(&second.text()).unwrap();
        assert_eq!((read.grant, read.hashes()), (second.grant, second.hashes()));
        assert_eq!(first.hashes().family, second.hashes().family);
        assert_ne!(first.hashes().turn, second.hashes().turn);
        let text = first.text();
        for bad in ["", "x", &text[1..], &text[4..], &format!("{text}AAAA"), &format!("{text}="), &"A".repeat(1 << 20)]
        {
            assert!(RefreshToken::read(bad).is_none(), "{}", bad.len());
        }
    }
}
