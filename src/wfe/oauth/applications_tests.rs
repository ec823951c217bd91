//! The page that shows people which applications work for them, and its buttons.

use super::flow::Flow;
use crate::{
    clock,
    wfe::fixture::{Answer, BASE, Front},
};

const PAGE: &str = "/account/applications";

async fn shown(front: &Front, cookie: &str) -> Answer {
    front.get(PAGE, &[("cookie", cookie)]).await
}

async fn end(front: &Front, cookie: &str, client: &str) -> Answer {
    let headers = [("cookie", cookie), ("origin", BASE), ("sec-fetch-site", "same-origin")];
    front.post_form(PAGE, &headers, &format!("client={client}")).await
}

fn works(front: &Front, token: &str) -> bool {
    front.app.tokens().verify(token, clock::unix_seconds()).is_ok()
}

#[tokio::test]
async fn the_page_shows_what_was_allowed_and_its_button_ends_it() {
    book::claims!("consent-withdraw", 1);
    let front = Front::new();
    let cookie = front.log_in().await;
    assert!(shown(&front, &cookie).await.text.contains("not allowed any application"));
    let (planner, board) = (Flow::of("web-app", "https://app.test/cb"), Flow::of("site", "https://site.test/cb"));
    let (access, refresh) = planner.tokens(&front, &cookie).await;
    let unused = planner.code(&front, &cookie).await;
    board.decide(&front, &cookie, "allow").await;

    let page = shown(&front, &cookie).await;
    assert_eq!((page.status.as_u16(), page.header("cache-control")), (200, "no-store"));
    for text in ["<strong>web-app</strong>", "look at your Things", "At work since", "not at work now"] {
        assert!(page.text.contains(text), "{text}: {}", page.text);
    }
    assert!(!page.text.contains("create Things"), "not allowed");

    let ended = end(&front, &cookie, "web-app").await;
    assert_eq!((ended.status.as_u16(), ended.header("location")), (303, PAGE));
    let page = shown(&front, &cookie).await.text;
    assert!(!page.contains("web-app") && page.contains("site"), "{page}");
    assert!(!works(&front, &access));
    for form in [planner.refresh(&refresh), planner.redeem(&unused)] {
        let answer = front.post_form("/oauth/token", &[], &form).await;
        assert_eq!(answer.json()["error"], "invalid_grant");
    }
    let asked = front.get(&planner.url(&[]), &[("cookie", &cookie)]).await;
    assert!(asked.text.contains("in your name"), "it has to ask again");
}

#[tokio::test]
async fn nobody_ends_what_another_has_allowed_and_no_other_site_presses_the_button() {
    let front = Front::new();
    let flow = Flow::of("web-app", "https://app.test/cb");
    let (ada, grace) = (front.log_in().await, front.log_in_as("grace").await);
    let (access, _) = flow.tokens(&front, &ada).await;
    assert_eq!(end(&front, &grace, "web-app").await.status, 303);
    assert!(!shown(&front, &grace).await.text.contains("web-app"));
    for evil in [("origin", "https://evil.test"), ("origin", "null"), ("sec-fetch-site", "same-site")] {
        let answer = front.post_form(PAGE, &[("cookie", &ada), evil], "client=web-app").await;
        assert!(answer.is(403, "origin_not_allowed"), "{evil:?}");
    }
    assert!(
        front.post_json(PAGE, &[("cookie", &ada)], r#"{"client": "web-app"}"#).await.is(415, "unsupported_media_type")
    );
    assert!(front.post_form(PAGE, &[("cookie", &ada)], "").await.is(400, "bad_request"));
    let bearer = format!("Bearer {access}");
    for headers in [&[][..], &[("authorization", bearer.as_str())]] {
        let by_post = front.post_form(PAGE, headers, "client=web-app").await;
        for answer in [by_post, front.get(PAGE, headers).await] {
            assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/login?next=/account/applications"));
        }
    }
    assert!(works(&front, &access));
}

#[tokio::test]
async fn the_terminal_client_is_shown_by_its_name_and_ended_like_any_other() {
    let front = Front::new();
    let cookie = front.log_in().await;
    let grant = front.people.grant(&front.people.ada, "widgetapp-cli", clock::unix_seconds() + 600);
    assert!(shown(&front, &cookie).await.text.contains("<strong>WidgetApp at a terminal</strong> (widgetapp-cli)"));
    end(&front, &cookie, "widgetapp-cli").await;
    assert!(!front.people.store.grant_is_live(grant, &front.people.ada).unwrap());
}
