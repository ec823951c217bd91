use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use super::*;
use crate::{access::Kind, wfe::fixture::Front};

fn ticket_of(name: &str) -> Ticket {
    let principal = Principal { kind: Kind::User, name: name.into(), organisation: "acme".into() };
    Ticket { caller: Arc::new(Caller::this_once(principal)), expires_at: 7, thing: None }
}

#[test]
fn of_fifty_who_use_a_ticket_at_once_exactly_one_wins() {
    book::claims!("ticket-once", 1);
    let (tickets, now) = (Tickets::default(), clock::now());
    let secret = tickets.issue(ticket_of("ada"), now).unwrap();
    let (winners, start) = (AtomicUsize::new(0), std::sync::Barrier::new(50));
    std::thread::scope(|scope| {
        for _ in 0..50 {
            scope.spawn(|| {
                start.wait();
                winners.fetch_add(usize::from(tickets.take(&secret, now).is_some()), Ordering::Relaxed);
            });
        }
    });
    assert_eq!(winners.into_inner(), 1);
}

#[test]
fn a_ticket_lives_for_thirty_seconds() {
    book::claims!("ticket-once", 1);
    let (tickets, now) = (Tickets::default(), clock::now());
    let late = tickets.issue(ticket_of("ada"), now).unwrap();
    let early = tickets.issue(ticket_of("ada"), now).unwrap();
    assert!(tickets.take(&early, now + Duration::from_millis(29_999)).is_some());
    assert!(tickets.take(&late, now + Duration::from_secs(30)).is_none());
    assert!(tickets.kept().of.is_empty() && tickets.kept().good.is_empty(), "nothing is left of them");
}

#[test]
fn nobody_has_more_tickets_than_allowed_and_used_ones_count_until_they_expire() {
    book::claims!("ticket-limit", 1);
    let (tickets, now) = (Tickets::default(), clock::now());
    for _ in 0..MAX_TICKETS_OF_ONE {
        let secret = tickets.issue(ticket_of("ada"), now).unwrap();
        tickets.take(&secret, now).unwrap();
    }
    assert_eq!(tickets.issue(ticket_of("ada"), now), Err(Full::OfOne));
    assert!(tickets.issue(ticket_of("grace"), now).is_ok());
    assert!(tickets.issue(ticket_of("ada"), now + TICKET_LIFETIME).is_ok());
    let mut others = 0..;
    while let Ok(_secret) = tickets.issue(ticket_of(&others.next().unwrap().to_string()), now + TICKET_LIFETIME) {}
    assert_eq!(tickets.kept().expiring.len(), MAX_TICKETS);
}

#[tokio::test]
async fn a_ticket_needs_what_a_stream_needs() {
    let front = Front::new();
    let ask = async |who: &Principal, scopes: &str, body: &str| {
        let token = format!("Bearer {}", front.token(who, scopes));
        front.post_json("/_ajax/ticket", &[("authorization", token.as_str())], body).await
    };
    let people = &front.people;
    let given = ask(&people.ada, "stream", "{}").await;
    assert_eq!(given.status, 200);
    assert!(given.json()["expires_at"].as_u64().unwrap() <= clock::unix_seconds() + 30);
    assert_eq!(given.header("cache-control"), "no-store");
    assert!(ask(&people.ada, "things:read things:write", "{}").await.is(403, "insufficient_scope"));
    assert!(ask(&people.linus, "stream", "{}").await.is(403, "group_not_approved"));
    let unknown = r#"{"thing": "67e55044-10b1-426f-9247-bb680e5fe0c8"}"#;
    assert!(ask(&people.ada, "stream", unknown).await.is(404, "thing_not_found"));
    assert!(front.post_json("/_ajax/ticket", &[], "{}").await.is(401, "not_logged_in"));
    let cookie = front.log_in().await;
    let foreign = [("cookie", cookie.as_str()), ("origin", "https://evil.test")];
    assert!(front.post_json("/_ajax/ticket", &foreign, "{}").await.is(403, "origin_not_allowed"));
    assert_eq!(front.post_json("/_ajax/ticket", &foreign[..1], "{}").await.status, 200);
}

#[test]
fn what_is_kept_is_no_ticket() {
    let (tickets, now) = (Tickets::default(), clock::now());
    let secret = tickets.issue(ticket_of("ada"), now).unwrap();
    assert!(secret.len() >= 43, "32 random bytes");
    assert!(tickets.kept().good.contains_key(&secret_hash(&secret)), "its hash is");
    assert_eq!(format!("{tickets:?}"), "Tickets");
}
