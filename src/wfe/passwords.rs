//! Password hashes: Argon2id, off the async threads, few at a time.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use argon2::{
    Algorithm, Argon2, Block, Params, PasswordHash, Version,
    password_hash::{self, Output, Salt, SaltString},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use tokio::sync::Semaphore;

use crate::clock;

/// What OWASP asks for at least.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Hashes computed at once: logins must not take every core from the edits.
const AT_ONCE: usize = 2;
/// Logins that may wait for their turn; beyond it they are told to come back.
const MAX_WAITING: usize = 64;

/// Hashes and verifies passwords. Cheap to clone; clones share one bound.
#[derive(Clone)]
pub struct Passwords {
    permits: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    /// Memory of those that do not compute at the moment. Were it allocated anew each time, the allocator would keep it
    /// for every thread that has ever computed: half a gigabyte after some dozens of logins.
    memory: Arc<Mutex<Vec<Memory>>>,
    /// A hash that nobody's password has, for names that nobody has: they must take as long.
    dummy: Arc<str>,
}

/// What Argon2 computes in.
type Memory = Vec<Block>;

/// A new password or secret of `N` random bytes, in letters that no shell or form changes.
pub(super) fn secret<const N: usize>() -> String {
    URL_SAFE_NO_PAD.encode(clock::random_bytes::<N>())
}

/// Too many passwords are being checked already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many logins at once")]
pub struct Busy;

impl Default for Passwords {
    fn default() -> Self {
        Self::new()
    }
}

impl Passwords {
    /// With nothing under way.
    pub fn new() -> Self {
        let (salt, output) = (clock::random_bytes::<16>(), clock::random_bytes::<32>());
        let (salt, output) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(output));
        let dummy = format!("{}${output}", how(&salt));
        let permits = Arc::new(Semaphore::new(AT_ONCE));
        Self { permits, waiting: Arc::default(), memory: Arc::default(), dummy: dummy.into() }
    }

    /// Hashes a new password, in PHC form.
    ///
    /// # Errors
    /// Too many are under way.
    pub async fn hash(&self, password: &str) -> Result<String, Busy> {
        let password = password.to_owned();
        self.run(move |memory| {
            let salt = SaltString::encode_b64(&clock::random_bytes::<16>()).expect("16 bytes are within bounds");
            let how = how(salt.as_str());
            let mut hash = PasswordHash::new(&how).expect("parameters and salt are within bounds");
            hash.hash = Some(compute(&hash, &password, memory).expect("parameters and salt are within bounds"));
            hash.to_string()
        })
        .await
    }

    /// Whether the password belongs to the hash; takes as long without a hash, for names that do not exist.
    pub(super) async fn verify(&self, hash: Option<&str>, password: &str) -> Result<bool, Busy> {
        let known = hash.is_some();
        let (hash, password) = (hash.unwrap_or(&self.dummy).to_owned(), password.to_owned());
        let right = self.run(move |memory| {
            let Ok(hash) = PasswordHash::new(&hash) else { return false };
            // Two outputs are compared in constant time.
            hash.hash.is_some() && compute(&hash, &password, memory).ok() == hash.hash
        });
        Ok(right.await? && known)
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce(&mut Memory) -> T + Send + 'static) -> Result<T, Busy> {
        let waiting = Waiting::enter(&self.waiting)?;
        let permit = Arc::clone(&self.permits).acquire_owned().await.expect("it is never closed");
        drop(waiting);
        let memories = Arc::clone(&self.memory);
        let done = tokio::task::spawn_blocking(move || {
            // Kept here, so that a client that hangs up does not free the place of work still going on.
            let _permit = permit;
            let mut memory = memories.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
            let done = work(&mut memory);
            memories.lock().unwrap_or_else(PoisonError::into_inner).push(memory);
            done
        });
        done.await.map_err(|_| Busy)
    }
}

struct Waiting(Arc<AtomicUsize>);

impl Waiting {
    fn enter(count: &Arc<AtomicUsize>) -> Result<Self, Busy> {
        let waiting = Self(Arc::clone(count));
        if count.fetch_add(1, Ordering::Relaxed) < MAX_WAITING { Ok(waiting) } else { Err(Busy) }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How new passwords are hashed, in PHC form.
fn how(salt: &str) -> String {
    format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${salt}")
}

/// The output for this password, with the parameters and the salt of the hash.
fn compute(hash: &PasswordHash<'_>, password: &str, memory: &mut Memory) -> password_hash::Result<Output> {
    let (algorithm, params) = (Algorithm::try_from(hash.algorithm)?, Params::try_from(hash)?);
    let version = hash.version.map_or(Ok(Version::default()), Version::try_from)?;
    let mut room = [0; Salt::MAX_LENGTH];
    let salt = hash.salt.ok_or(password_hash::Error::PhcStringField)?.decode_b64(&mut room)?;
    let bytes = params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
    memory.resize(params.block_count(), Block::default());
    let argon2 = Argon2::new(algorithm, version, params);
    Output::init_with(bytes, |output| {
        Ok(argon2.hash_password_into_with_memory(password.as_bytes(), salt, output, memory)?)
    })
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt as _, future::join_all};

    use super::*;

    /// Nobody's turn comes while these are held.
    async fn all_turns(passwords: &Passwords) -> tokio::sync::OwnedSemaphorePermit {
        let turns = u32::try_from(AT_ONCE).unwrap();
        passwords.permits.clone().acquire_many_owned(turns).await.unwrap()
    }

    #[tokio::test]
    async fn a_password_is_hashed_as_owasp_asks_and_read_to_its_last_letter() {
        let passwords = Passwords::new();
        let long = "x".repeat(200);
        let hash = passwords.hash(&long).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(passwords.verify(Some(&hash), &long).await.unwrap());
        assert!(!passwords.verify(Some(&hash), &long[1..]).await.unwrap());
        assert!(!passwords.verify(Some(&hash), &format!("{long}x")).await.unwrap());
        assert_ne!(passwords.hash(&long).await.unwrap(), hash, "with a salt of its own");
    }

    /// What takes time is the same: the same work, in the same queue.
    #[tokio::test]
    async fn a_name_that_nobody_has_costs_the_same_work_as_a_wrong_password() {
        let passwords = Passwords::new();
        let known = passwords.hash("right").await.unwrap();
        let cost = |hash: &str| {
            let hash = PasswordHash::new(hash).unwrap();
            let lengths = (hash.salt.unwrap().as_str().len(), hash.hash.unwrap().len());
            (hash.algorithm.to_string(), hash.version, hash.params.to_string(), lengths)
        };
        assert_eq!(cost(&known), cost(&passwords.dummy));
        let turns = all_turns(&passwords).await;
        let mut tries = [Some(known.as_str()), None].map(|hash| Box::pin(passwords.verify(hash, "wrong")));
        for a_try in &mut tries {
            assert!(a_try.now_or_never().is_none(), "it waits for its turn to hash");
        }
        drop(turns);
        assert_eq!(join_all(tries).await, [Ok(false), Ok(false)]);
    }

    #[tokio::test]
    async fn however_many_log_in_no_more_memory_is_kept_than_is_used_at_once() {
        let passwords = Passwords::new();
        let logins = join_all((0..10).map(|_| passwords.verify(None, "x"))).await;
        assert!(logins.iter().all(|login| *login == Ok(false)));
        let kept: usize = passwords.memory.lock().unwrap().iter().map(Vec::len).sum();
        assert!((1..=AT_ONCE * MEMORY_KIB as usize).contains(&kept), "{kept} KiB");
    }

    #[tokio::test]
    async fn of_a_hundred_logins_at_once_a_bounded_number_waits_and_the_others_are_told() {
        let passwords = Passwords::new();
        let turns = all_turns(&passwords).await;
        let mut logins: Vec<_> = (0..100).map(|_| Box::pin(passwords.verify(None, "x"))).collect();
        let busy = logins.iter_mut().filter_map(|login| login.now_or_never()).filter(|told| *told == Err(Busy)).count();
        assert_eq!(busy, 100 - MAX_WAITING);
        // Whoever hangs up makes room.
        drop(logins);
        drop(turns);
        assert_eq!(passwords.verify(None, "x").await, Ok(false));
        assert_eq!(passwords.waiting.load(Ordering::Relaxed), 0);
    }
}
