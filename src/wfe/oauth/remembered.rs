//! Tokens that were verified before: a signature is checked once, and its token then costs microseconds.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use sha2::{Digest, Sha256};

/// Tokens remembered, before all are forgotten: about 5 MB.
const MOST: usize = 10_000;

/// What verified tokens said, by their fingerprints. Whether it still counts is for the caller to see.
pub(super) struct Remembered<T>(Mutex<HashMap<Fingerprint, Known<T>>>);

type Fingerprint = [u8; 32];

struct Known<T> {
    said: T,
    expires_at: u64,
}

impl<T: Clone> Remembered<T> {
    /// None yet.
    pub fn new() -> Self {
        Self(Mutex::default())
    }

    /// What this token said.
    pub fn find(&self, token: &str) -> Option<T> {
        self.with(|known| known.get(&fingerprint(token)).map(|known| known.said.clone()))
    }

    /// Keeps what a token says that has been verified.
    pub fn keep(&self, token: &str, said: T, expires_at: u64, now: u64) {
        self.with(|known| {
            if known.len() >= MOST {
                known.retain(|_, known| known.expires_at > now);
            }
            if known.len() >= MOST {
                known.clear();
            }
            known.insert(fingerprint(token), Known { said, expires_at });
        });
    }

    fn with<R>(&self, act: impl FnOnce(&mut HashMap<Fingerprint, Known<T>>) -> R) -> R {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn fingerprint(token: &str) -> Fingerprint {
    Sha256::digest(token).into()
}
