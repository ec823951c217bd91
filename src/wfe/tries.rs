//! How often a password may be wrong: per account and per address, within a minute.

use std::{
    collections::HashMap,
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    time::{Duration, Instant},
};

/// Wrong tries that are allowed in a [`WINDOW`].
const ALLOWED: u32 = 10;
const WINDOW: Duration = Duration::from_secs(60);
/// Accounts and addresses remembered, each; beyond it the oldest knowledge is dropped.
const MOST: usize = 10_000;

/// Counts wrong tries. Plain state: the caller says what time it is.
#[derive(Debug, Default)]
pub(super) struct Tries {
    accounts: Windows<String>,
    addresses: Windows<IpAddr>,
}

impl Tries {
    /// Counts a try as wrong before it is made, so that many at once cannot slip through; the wait
    /// if there were too many. See [`Tries::was_right`].
    pub fn begin(&mut self, account: &str, address: IpAddr, now: Instant) -> Result<(), Duration> {
        let address = counted_as(address);
        let wait = self.accounts.wait(account, now).max(self.addresses.wait(&address, now));
        if !wait.is_zero() {
            return Err(wait);
        }
        self.accounts.count(account.to_owned(), now);
        self.addresses.count(address, now);
        Ok(())
    }

    /// Takes back what [`Tries::begin`] counted.
    pub fn was_right(&mut self, account: &str, address: IpAddr) {
        self.accounts.take_back(account);
        self.addresses.take_back(&counted_as(address));
    }
}

/// One customer of a provider has a whole /64 of IPv6 addresses.
pub(super) fn counted_as(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << 64)).into(),
        v4 => v4,
    }
}

#[derive(Debug)]
struct Windows<K>(HashMap<K, (Instant, u32)>);

impl<K> Default for Windows<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Hash + Eq> Windows<K> {
    fn wait<Q: Hash + Eq + ?Sized>(&self, key: &Q, now: Instant) -> Duration
    where
        K: std::borrow::Borrow<Q>,
    {
        match self.0.get(key) {
            Some(&(since, count)) if count >= ALLOWED => (since + WINDOW).saturating_duration_since(now),
            _ => Duration::ZERO,
        }
    }

    fn count(&mut self, key: K, now: Instant) {
        if self.0.len() >= MOST {
            self.0.retain(|_, (since, _)| *since + WINDOW > now);
        }
        if self.0.len() >= MOST {
            self.0.clear();
        }
        let window = self.0.entry(key).or_insert((now, 0));
        if window.0 + WINDOW <= now {
            *window = (now, 0);
        }
        window.1 += 1;
    }

    fn take_back<Q: Hash + Eq + ?Sized>(&mut self, key: &Q)
    where
        K: std::borrow::Borrow<Q>,
    {
        if let Some(window) = self.0.get_mut(key) {
            window.1 = window.1.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const THERE: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

    #[test]
    fn the_eleventh_wrong_try_waits_for_the_minute_to_end() {
        let mut tries = Tries::default();
        let start = clock::now();
        for _ in 0..10 {
            tries.begin("ada", HERE, start).unwrap();
        }
        let later = start + Duration::from_secs(20);
        assert_eq!(tries.begin("ada", THERE, later), Err(Duration::from_secs(40)));
        assert_eq!(tries.begin("grace", HERE, later), Err(Duration::from_secs(40)));
        assert_eq!(tries.begin("grace", THERE, later), Ok(()));
        assert_eq!(tries.begin("ada", HERE, start + WINDOW), Ok(()));
    }

    #[test]
    fn neighbours_in_ipv6_count_as_one() {
        let mut tries = Tries::default();
        let now = clock::now();
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        for n in 0..10 {
            tries.begin(&format!("user{n}"), ip(&format!("2001:db8::{n}")), now).unwrap();
        }
        assert!(tries.begin("ada", ip("2001:db8::ffff"), now).is_err());
        assert!(tries.begin("ada", ip("2001:db8:0:1::1"), now).is_ok());
    }

    #[test]
    fn right_tries_do_not_count() {
        let mut tries = Tries::default();
        let now = clock::now();
        for _ in 0..100 {
            tries.begin("ada", HERE, now).unwrap();
            tries.was_right("ada", HERE);
        }
    }
}
