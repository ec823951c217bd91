//! Refresh tokens, revocation and introspection: what lives, what ends, and who is told.

use serde_json::json;

use super::flow::{Flow, pair};
use crate::{
    clock,
    config::Oauth,
    store::{Turn, Turned},
    wfe::fixture::{Answer, Front, SECRET, basic},
};

async fn post(front: &Front, path: &str, form: &str) -> Answer {
    front.post_form(path, &[], form).await
}

fn works(front: &Front, token: &str) -> bool {
    front.app.tokens().verify(token, clock::unix_seconds()).is_ok()
}

fn is_bad_grant(answer: &Answer) -> bool {
    answer.status == 400 && answer.json()["error"] == "invalid_grant" && answer.header("cache-control") == "no-store"
}

/// An application with a grant of ada's.
async fn granted() -> (Front, Flow, String, String) {
    let front = Front::new();
    let flow = Flow::of("web-app", "https://app.test/cb");
    let cookie = front.log_in().await;
    let (access, refresh) = flow.tokens(&front, &cookie).await;
    (front, flow, access, refresh)
}

fn secret() -> String {
    basic("system", &SECRET.replace('+', "%2B"))
}

async fn introspect(front: &Front, token: &str) -> Answer {
    front.post_form("/oauth/introspect", &[("authorization", &secret())], &format!("token={token}")).await
}

#[tokio::test]
async fn each_use_of_a_refresh_token_gives_the_next_one() {
    let (front, flow, access, refresh) = granted().await;
    let answer = post(&front, "/oauth/token", &flow.refresh(&refresh)).await;
    assert_eq!(answer.json()["scope"], "stream things:read");
    let (second, next) = pair(&answer);
    assert!(next != refresh && works(&front, &second) && works(&front, &access));
    let (third, _) = pair(&post(&front, "/oauth/token", &flow.refresh(&next)).await);
    let verified = front.app.tokens().verify(&third, clock::unix_seconds()).unwrap();
    assert_eq!((verified.principal, verified.client_id.as_str()), (front.people.ada.clone(), "web-app"));
}

#[tokio::test]
async fn a_used_refresh_token_ends_all_tokens_of_its_grant() {
    let (front, flow, access, refresh) = granted().await;
    let (second, next) = pair(&post(&front, "/oauth/token", &flow.refresh(&refresh)).await);
    assert!(is_bad_grant(&post(&front, "/oauth/token", &flow.refresh(&refresh)).await));
    assert!(!works(&front, &access) && !works(&front, &second));
    assert!(is_bad_grant(&post(&front, "/oauth/token", &flow.refresh(&next)).await));
}

#[tokio::test]
async fn of_racing_uses_of_a_refresh_token_at_most_one_wins_and_all_is_over() {
    book::claims!("oauth-refresh-reuse", 1);
    let (front, flow, access, refresh) = granted().await;
    let form = flow.refresh(&refresh);
    let mut answers = Vec::new();
    for answer in futures_util::future::join_all((0..8).map(|_| post(&front, "/oauth/token", &form))).await {
        answers.push(answer);
    }
    let winners: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(winners.len(), 1);
    let (won, next) = pair(winners[0]);
    assert!(!works(&front, &access) && !works(&front, &won));
    assert!(is_bad_grant(&post(&front, "/oauth/token", &flow.refresh(&next)).await));
}

#[tokio::test]
async fn a_refresh_can_narrow_the_scope_of_its_access_token_and_never_widen_it() {
    let front = Front::new();
    let cookie = front.log_in().await;
    let flow = Flow { scope: "stream", ..Flow::of("web-app", "https://app.test/cb") };
    let (_, refresh) = flow.tokens(&front, &cookie).await;
    for wide in ["things:read", "stream+things:read", "stream+things:write", "admin"] {
        let answer = post(&front, "/oauth/token", &format!("{}&scope={wide}", flow.refresh(&refresh))).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["error"]), (400, &"invalid_scope".into()), "{wide}");
    }
    let both = Flow { scope: "stream things:read", ..flow };
    let (_, refresh) = both.tokens(&front, &cookie).await;
    let answer = post(&front, "/oauth/token", &format!("{}&scope=stream", both.refresh(&refresh))).await;
    assert_eq!(answer.json()["scope"], "stream");
    let answer = post(&front, "/oauth/token", &both.refresh(&pair(&answer).1)).await;
    assert_eq!(answer.json()["scope"], "stream things:read", "the grant itself is as wide as before");
}

#[tokio::test]
async fn a_refresh_token_is_for_its_own_client_and_for_no_door() {
    let (front, flow, _, refresh) = granted().await;
    let other = Flow { client: "native-app", ..Flow::of("web-app", "") };
    assert!(is_bad_grant(&post(&front, "/oauth/token", &other.refresh(&refresh)).await));
    let bearer = format!("Bearer {refresh}");
    assert!(front.get("/_ajax/scroll", &[("authorization", &bearer)]).await.is(401, "invalid_token"));
    pair(&post(&front, "/oauth/token", &flow.refresh(&refresh)).await);
}

#[tokio::test]
async fn a_disabled_user_gets_no_more_tokens_and_those_given_end_for_good() {
    let (front, flow, access, refresh) = granted().await;
    front.people.store.set_disabled("ada", true).unwrap();
    front.people.store.set_disabled("ada", false).unwrap();
    assert!(!works(&front, &access));
    assert!(is_bad_grant(&post(&front, "/oauth/token", &flow.refresh(&refresh)).await));
}

#[tokio::test]
async fn a_code_used_twice_ends_what_it_gave_the_first_time() {
    let front = Front::new();
    let flow = Flow::of("web-app", "https://app.test/cb");
    let cookie = front.log_in().await;
    let form = flow.redeem(&flow.code(&front, &cookie).await);
    let answers = futures_util::future::join_all((0..4).map(|_| post(&front, "/oauth/token", &form))).await;
    let winners: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(winners.len(), 1);
    let (access, refresh) = pair(winners[0]);
    assert!(!works(&front, &access));
    assert!(is_bad_grant(&post(&front, "/oauth/token", &flow.refresh(&refresh)).await));
}

#[tokio::test]
async fn revoking_either_token_ends_the_grant() {
    for revoked in [0, 1, 2] {
        let (front, flow, access, refresh) = granted().await;
        let (second, next) = pair(&post(&front, "/oauth/token", &flow.refresh(&refresh)).await);
        let token = [&second, &next, &refresh][revoked];
        let form = format!("client_id=web-app&token={token}&token_type_hint=refresh_token");
        let answer = post(&front, "/oauth/revoke", &form).await;
        assert_eq!((answer.status.as_u16(), answer.header("cache-control")), (200, "no-store"));
        assert!(!works(&front, &access) && !works(&front, &second), "{revoked}");
        assert!(is_bad_grant(&post(&front, "/oauth/token", &flow.refresh(&next)).await));
        assert_eq!(post(&front, "/oauth/revoke", &form).await.status, 200, "once more");
    }
}

#[tokio::test]
async fn a_client_revokes_only_its_own_tokens() {
    book::claims!("oauth-revoke-own", 1);
    let (front, flow, access, refresh) = granted().await;
    for token in [&access, &refresh] {
        let by_other = post(&front, "/oauth/revoke", &format!("client_id=native-app&token={token}")).await;
        assert!(is_bad_grant(&by_other));
        let by_nobody = post(&front, "/oauth/revoke", &format!("token={token}")).await;
        assert_eq!((by_nobody.status.as_u16(), &by_nobody.json()["error"]), (401, &"invalid_client".into()));
    }
    assert!(works(&front, &access));
    assert_eq!(post(&front, "/oauth/revoke", "client_id=web-app&token=unknown").await.status, 200);
    assert_eq!(post(&front, "/oauth/revoke", "client_id=web-app").await.json()["error"], "invalid_request");
    pair(&post(&front, "/oauth/token", &flow.refresh(&refresh)).await);
}

#[tokio::test]
async fn introspection_tells_about_good_tokens_of_the_own_organisation_alone() {
    book::claims!("oauth-introspect", 1);
    let (front, _, access, refresh) = granted().await;
    let told = introspect(&front, &access).await;
    assert_eq!(told.header("cache-control"), "no-store");
    let told = told.json();
    assert_eq!(
        (&told["active"], &told["scope"], &told["client_id"], &told["username"], &told["token_type"]),
        (&json!(true), &json!("stream things:read"), &json!("web-app"), &json!("ada"), &json!("Bearer"))
    );
    assert!(told["exp"].as_u64() > told["iat"].as_u64());
    let mallorys = front.token(&front.people.mallory, "stream");
    assert!(works(&front, &mallorys));
    for inactive in [&mallorys, &refresh, "unknown", &access[1..], &"A".repeat(1 << 19)] {
        assert_eq!(introspect(&front, inactive).await.json(), json!({"active": false}));
    }
    post(&front, "/oauth/revoke", &format!("client_id=web-app&token={access}")).await;
    assert_eq!(introspect(&front, &access).await.json(), json!({"active": false}));
}

#[tokio::test]
async fn introspection_needs_a_client_with_a_secret() {
    let (front, _, access, _) = granted().await;
    let wrong = basic("system", "wrong");
    for (headers, form) in [
        (vec![], format!("token={access}")),
        (vec![], format!("client_id=web-app&token={access}")),
        (vec![("authorization", wrong.as_str())], format!("token={access}")),
    ] {
        let answer = front.post_form("/oauth/introspect", &headers, &form).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["error"]), (401, &"invalid_client".into()), "{form}");
    }
    let system = front
        .post_form("/oauth/token", &[("authorization", &secret())], "grant_type=client_credentials&scope=stream")
        .await;
    let token = system.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(introspect(&front, &token).await.json()["sub"], "system");
    assert!(system.json()["refresh_token"].is_null(), "a client that acts for itself needs none");
}

#[tokio::test]
async fn a_refresh_token_lives_14_days_unused_and_90_days_at_most() {
    book::claims!("oauth-refresh-life", 1);
    const DAY: u64 = 24 * 60 * 60;
    let (front, _, _, refresh) = granted().await;
    let token = super::refresh_token::RefreshToken::read(&refresh).unwrap();
    let began = front.people.store.grant(token.grant).unwrap().unwrap().created_at;
    let mut next = token.hashes();
    let mut turned_at = |day: u64| {
        let now = began + day * DAY;
        let turn = Turn {
            grant: token.grant,
            presented: next,
            client: "web-app",
            next: [u8::try_from(day).unwrap(); 32],
            idle_seconds: Oauth::default().refresh_token_idle_seconds,
            access_until: now + 600,
        };
        next.turn = turn.next;
        let done = |_: &_| Ok::<(), ()>(());
        let turned = front.people.store.turn_refresh(&turn, now, done).unwrap();
        matches!(turned, Turned::Done(_)).then(|| {
            let until = front.people.store.grant(token.grant).unwrap().unwrap().refresh_until;
            (until - began) / DAY
        })
    };
    for day in [13, 26, 39, 52, 65, 78] {
        assert_eq!(turned_at(day), Some((day + 14).min(90)), "{day}");
    }
    assert_eq!(turned_at(90), None);
}

#[tokio::test]
async fn a_client_asks_only_so_often() {
    book::claims!("oauth-limits", 1);
    let usual = Oauth::default();
    assert_eq!((usual.requests_per_second, usual.request_burst), (50, 500));
    let front = Front::with(|config| {
        config.oauth.requests_per_second = 1;
        config.oauth.request_burst = 3;
    });
    for _ in 0..3 {
        assert_eq!(post(&front, "/oauth/revoke", "client_id=web-app&token=x").await.status, 200);
    }
    let refused = post(&front, "/oauth/token", "client_id=web-app&grant_type=x").await;
    assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (429, "1"));
    assert_eq!(refused.json()["error"], "temporarily_unavailable");
}
