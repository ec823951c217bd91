//! The page that asks for consent, what may answer it, and when it is not shown.

use super::flow::Flow;
use crate::wfe::fixture::{Answer, BASE, Front};

fn is_page(answer: &Answer) -> bool {
    answer.status == 200 && answer.text.contains("in your name")
}

#[tokio::test]
async fn the_page_names_the_application_the_user_and_what_is_asked_for_in_plain_words() {
    let front = Front::new();
    let flow = Flow::of("web-app", "https://app.test/cb");
    let cookie = front.log_in().await;
    let page = front.get(&flow.url(&[]), &[("cookie", &cookie)]).await;
    assert!(is_page(&page), "{}", page.text);
    for text in ["<strong>web-app</strong>", "<strong>ada</strong> of acme", "look at your Things", "app.test"] {
        assert!(page.text.contains(text), "{text}: {}", page.text);
    }
    assert!(!page.text.contains("create Things"), "not asked for");
    let policy = page.header("content-security-policy");
    assert!(policy.contains("frame-ancestors 'none'") && policy.contains("form-action 'self' https://app.test;"));
    assert!(policy.contains("default-src 'none'") && page.header("x-frame-options") == "DENY");
    assert_eq!(page.header("cache-control"), "no-store");
}

#[tokio::test]
async fn allowing_sends_a_code_by_303_and_denying_an_error() {
    let front = Front::new();
    let flow = Flow::of("web-app", "https://app.test/cb");
    let cookie = front.log_in().await;
    let denied = flow.decide(&front, &cookie, "deny").await;
    assert_eq!(denied.status, 303);
    assert!(denied.header("location").starts_with("https://app.test/cb?error=access_denied&"));
    assert!(denied.header("location").contains("&state=a+%26b&iss=http%3A%2F%2F127.0.0.1%3A8080"));
    let allowed = flow.decide(&front, &cookie, "allow").await;
    assert_eq!((allowed.status.as_u16(), allowed.header("cache-control")), (303, "no-store"));
    assert!(allowed.header("location").starts_with("https://app.test/cb?code="));
    assert!(allowed.header("location").contains("&state=a+%26b&iss=http%3A%2F%2F127.0.0.1%3A8080"));
}

#[tokio::test]
async fn consent_is_remembered_until_more_is_asked_for() {
    let front = Front::new();
    let flow = Flow::of("web-app", "https://app.test/cb");
    let cookie = front.log_in().await;
    let ask = async |change: &[(&str, &str)]| front.get(&flow.url(change), &[("cookie", &cookie)]).await;
    assert!(ask(&[("prompt", "none")]).await.header("location").contains("error=consent_required"));
    let narrow = Flow { scope: "stream", ..Flow::of("web-app", "https://app.test/cb") };
    narrow.decide(&front, &cookie, "allow").await;
    assert!(ask(&[("scope", "stream")]).await.header("location").contains("?code="));
    assert!(ask(&[("scope", "stream"), ("prompt", "none")]).await.header("location").contains("?code="));
    assert!(is_page(&ask(&[("scope", "stream"), ("prompt", "consent")]).await));
    assert!(is_page(&ask(&[("scope", "stream things:read")]).await), "more than before");
    flow.decide(&front, &cookie, "allow").await;
    assert!(ask(&[("scope", "stream things:read")]).await.header("location").contains("?code="));
    let other = Flow::of("site", "https://site.test/cb");
    assert!(is_page(&front.get(&other.url(&[]), &[("cookie", &cookie)]).await), "another application");
    let grace = front.log_in_as("grace").await;
    assert!(is_page(&front.get(&flow.url(&[]), &[("cookie", &grace)]).await), "another user");
}

#[tokio::test]
async fn a_program_on_the_users_own_computer_is_asked_about_each_time() {
    let front = Front::new();
    let flow = Flow::of("native-app", "http://127.0.0.1:5000/callback");
    let cookie = front.log_in().await;
    let allowed = flow.decide(&front, &cookie, "allow").await;
    assert!(allowed.header("location").starts_with("http://127.0.0.1:5000/callback?code="), "{}", allowed.text);
    let page = front.get(&flow.url(&[]), &[("cookie", &cookie)]).await;
    assert!(is_page(&page) && page.text.contains("a program on this computer"));
}

#[tokio::test]
async fn prompt_login_asks_for_the_password_once_more_and_none_never() {
    let front = Front::new();
    let flow = Flow::of("web-app", "https://app.test/cb");
    let none = front.get(&flow.url(&[("prompt", "none")]), &[]).await;
    assert!(none.header("location").starts_with("https://app.test/cb?error=login_required&"));
    let cookie = front.log_in().await;
    let again = front.get(&flow.url(&[("prompt", "login consent")]), &[("cookie", &cookie)]).await;
    let next = again.header("location").strip_prefix("/login?next=").unwrap();
    assert!(next.ends_with("prompt%3Dconsent"), "{next}");
    let login = front.get(again.header("location"), &[("cookie", &cookie)]).await;
    assert!(login.header("content-security-policy").contains("form-action 'self' https://app.test;"));
    let elsewhere = front.get("/login?next=/oauth/authorize?client_id=web-app", &[]).await;
    assert!(elsewhere.header("content-security-policy").contains("form-action 'self';"));
}

#[tokio::test]
async fn a_decision_counts_only_from_the_page_that_was_shown_to_this_login() {
    book::claims!("consent-protected", 1);
    let front = Front::new();
    let flow = Flow::of("web-app", "https://app.test/cb");
    let cookie = front.log_in().await;
    let form = flow.form(&front, &cookie).await;
    let send = async |cookie: &str, headers: &[(&str, &str)], form: &str| {
        let headers = [headers, &[("cookie", cookie)]].concat();
        front.post_form("/oauth/authorize", &headers, form).await
    };
    let allow = format!("{form}&decision=allow");
    for evil in [("origin", "https://evil.test"), ("sec-fetch-site", "cross-site"), ("origin", "null")] {
        assert!(send(&cookie, &[evil], &allow).await.is(403, "origin_not_allowed"), "{evil:?}");
    }
    let own = [("origin", BASE), ("sec-fetch-site", "same-origin")];
    let other_login = front.log_in_again_as("ada").await;
    let grace = front.log_in_as("grace").await;
    let (request, seal) = form.split_once("&seal=").unwrap();
    let widened = request.replace("scope%3Dstream", "scope%3Dstream%2520things%3Awrite");
    for (cookie, form) in [
        (&other_login, allow.clone()),
        (&grace, allow.clone()),
        (&cookie, format!("{request}&decision=allow")),
        (&cookie, format!("{request}&seal=AAAA&decision=allow")),
        (&cookie, format!("{request}%26more%3Dx&seal={seal}&decision=allow")),
        (&cookie, format!("{form}&decision=perhaps")),
        (&cookie, form.clone()),
    ] {
        let answer = send(cookie, &own, &form).await;
        assert!(is_page(&answer), "{form}: {}", answer.text);
    }
    assert_ne!(widened, request);
    let refused = send(&cookie, &own, &format!("{widened}&seal={seal}&decision=allow")).await;
    assert!(!refused.header("location").contains("code="));
    let nobody = send("widgetapp=AAAAAAAAAAAAAAAAAAAAAA", &own, &allow).await;
    assert!(nobody.header("location").starts_with("/login?next="));
    let json = front.post_json("/oauth/authorize", &[("cookie", &cookie)], "{}").await;
    assert!(json.is(415, "unsupported_media_type"));
    assert!(send(&cookie, &own, &allow).await.header("location").contains("?code="), "the right one");
}

#[tokio::test]
async fn an_application_serves_its_own_organisation_only() {
    let front = Front::new();
    let flow = Flow::of("web-app", "https://app.test/cb");
    let mallory = front.log_in_as("mallory").await;
    let answer = front.get(&flow.url(&[]), &[("cookie", &mallory)]).await;
    assert!(answer.header("location").starts_with("https://app.test/cb?error=access_denied&"));
}
