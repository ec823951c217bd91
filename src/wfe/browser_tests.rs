//! What other sites could make a browser do, and what is said to browsers so that they cannot (OWASP, RFC 6265bis).

use crate::wfe::fixture::{Answer, BASE, Front, PASSWORD};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const OWN: [(&str, &str); 2] = [("origin", BASE), ("sec-fetch-site", "same-origin")];

/// A login by the form of the login page.
async fn log_in(front: &Front, password: &str, next: &str) -> Answer {
    let mut form = oauth2::url::form_urlencoded::Serializer::new(String::new());
    form.append_pair("username", "ada").append_pair("password", password).append_pair("next", next);
    front.post_form("/login", &OWN, &form.finish()).await
}

#[tokio::test]
async fn every_page_says_what_it_may_do_and_is_kept_by_nobody() {
    let front = Front::new();
    let cookie = front.log_in().await;
    let pages = [
        front.get("/login", &[]).await,
        front.get("/", &[("cookie", &cookie)]).await,
        front.get("/account/applications", &[("cookie", &cookie)]).await,
        front.get("/oauth/authorize", &[("cookie", &cookie)]).await,
        log_in(&front, "wrong", "/").await,
    ];
    for page in pages {
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        let policy = page.header("content-security-policy");
        for rule in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"] {
            assert!(policy.contains(rule), "{policy}");
        }
        assert!(!policy.contains("unsafe-"), "{policy}");
        assert_eq!((page.header("x-frame-options"), page.header("x-content-type-options")), ("DENY", "nosniff"));
        assert_eq!((page.header("referrer-policy"), page.header("cache-control")), ("same-origin", "no-store"));
        for script in page.text.split("<script").skip(1) {
            let (attributes, text) = script.split_once('>').unwrap();
            assert!(attributes.contains(" src=\"/") && text.starts_with("</script>"), "in the page itself: {script}");
        }
        assert!(!page.text.contains("<style") && !page.text.contains(" style="), "{}", page.text);
    }
}

#[tokio::test]
async fn a_login_leads_to_a_page_of_ours_whatever_next_says() {
    let front = Front::new();
    front.give_password().await;
    for next in [
        "//evil.test",
        "///evil.test",
        "/\\evil.test",
        "\\\\evil.test",
        "/\t/evil.test",
        "/\n/evil.test",
        " //evil.test",
        "https:evil.test",
        "https://evil.test",
        "https:/\\evil.test",
        "javascript:alert(1)",
        "evil.test",
        "@evil.test",
        "",
    ] {
        let answer = log_in(&front, PASSWORD, next).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/"), "{next:?}");
        let query = oauth2::url::form_urlencoded::byte_serialize(next.as_bytes()).collect::<String>();
        let page = front.get(&format!("/login?next={query}"), &[]).await;
        assert!(page.text.contains(r#"name="next" value="/""#), "{next:?}: {}", page.text);
    }
    // Encoded once more it is a path of ours, which is not there.
    let answer = log_in(&front, PASSWORD, "/%2F%2Fevil.test").await;
    assert_eq!(answer.header("location"), "/%2F%2Fevil.test");
    let twice = front.get("/login?next=/a&next=//evil.test", &[]).await;
    assert!(twice.text.contains(r#"name="next" value="/""#));
}

#[tokio::test]
async fn nothing_is_taken_from_the_host_header() {
    let front = Front::new();
    let cookie = front.log_in().await;
    for (name, value) in
        [("host", "evil.test"), ("x-forwarded-host", "evil.test"), ("forwarded", "host=evil.test;proto=https")]
    {
        for path in ["/", "/login", "/account/applications", "/nowhere", "/.well-known/oauth-authorization-server"] {
            let answer = front.get(path, &[(name, value), ("cookie", &cookie)]).await;
            let headers = format!("{:?}", answer.headers);
            assert!(!answer.text.contains("evil.test") && !headers.contains("evil.test"), "{path}");
        }
        let evil = [(name, value), ("origin", "http://evil.test"), ("cookie", &cookie)];
        assert!(front.post_json("/_ajax/create", &evil, r#"{"title": "T"}"#).await.is(403, "origin_not_allowed"));
    }
}

/// By methods, which GET asks for nothing but to be shown something; by media types, which forms of other sites cannot
/// send; by where the page is that sends it.
#[tokio::test]
async fn what_changes_something_is_a_post_from_our_own_pages() {
    let front = Front::new();
    let cookie = front.log_in().await;
    let cookie = ("cookie", cookie.as_str());
    let actions = ["select", "create", "edit", "refresh", "delete", "invite", "uninvite"];
    let forms = ["/logout", "/oauth/authorize", "/account/applications"];
    for path in actions.map(|action| format!("/_ajax/{action}")).iter().map(String::as_str).chain(["/logout"]) {
        for method in ["GET", "HEAD", "PUT", "DELETE"] {
            assert_eq!(front.send(method, path, &[cookie], "").await.status, 405, "{method} {path}");
        }
    }
    for action in actions {
        let path = format!("/_ajax/{action}");
        for kind in ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=a", ""] {
            let answer = front.send("POST", &path, &[cookie, ("content-type", kind)], "{}").await;
            assert!(answer.is(415, "unsupported_media_type"), "{path} {kind}");
        }
    }
    for path in actions.map(|action| format!("/_ajax/{action}")).iter().map(String::as_str).chain(forms) {
        for foreign in [
            ("origin", "https://evil.test"),
            ("origin", "null"),
            ("origin", "http://127.0.0.1:8081"),
            ("origin", "https://127.0.0.1:8080"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            let kind = if forms.contains(&path) { FORM } else { ("content-type", "application/json") };
            let answer = front.send("POST", path, &[cookie, foreign, kind], "{}").await;
            assert!(answer.is(403, "origin_not_allowed"), "{path} {foreign:?}: {}", answer.text);
        }
    }
    assert_eq!(front.get("/", &[cookie]).await.status, 200, "still logged in");
}

#[tokio::test]
async fn a_form_is_answered_by_303_so_that_no_browser_sends_it_on() {
    let front = Front::new();
    front.give_password().await;
    let answer = log_in(&front, PASSWORD, "/").await;
    let cookie = answer.cookie().split(';').next().unwrap().to_owned();
    let headers = [&OWN[..], &[("cookie", cookie.as_str())]].concat();
    let ended = front.post_form("/account/applications", &headers, "client=nobody").await;
    let out = front.post_form("/logout", &headers, "").await;
    assert_eq!([answer.status, ended.status, out.status].map(|status| status.as_u16()), [303; 3]);
}

#[tokio::test]
async fn a_login_page_that_cannot_let_in_says_so_on_a_page() {
    let front = Front::new();
    front.give_password().await;
    for wrong in 0..10 {
        let answer = log_in(&front, "wrong", "/account/applications").await;
        assert_eq!(answer.status, 401, "{wrong}");
        assert!(answer.text.contains("the name or the password is wrong") && answer.cookie().is_empty());
        assert!(answer.text.contains(r#"value="/account/applications""#), "where they wanted to go is kept");
    }
    let answer = log_in(&front, PASSWORD, "/").await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (429, "text/html; charset=utf-8"));
    assert!((1..=60).contains(&answer.header("retry-after").parse::<u64>().unwrap()));
    assert!(answer.text.contains("too many wrong passwords") && !answer.text.contains(PASSWORD));
}

#[tokio::test]
async fn a_login_that_another_knew_before_is_worth_nothing_after_it() {
    let front = Front::new();
    front.give_password().await;
    let planted = "widgetapp=AAAAAAAAAAAAAAAAAAAAAA";
    let body = format!(r#"{{"username": "ada", "password": "{PASSWORD}"}}"#);
    let answer = front.post_json("/login", &[("cookie", planted)], &body).await;
    let own = answer.cookie().split(';').next().unwrap();
    assert_ne!(own, planted);
    assert_eq!(front.get("/", &[("cookie", planted)]).await.status, 303);
    assert_eq!(front.get("/", &[("cookie", own)]).await.status, 200);
    front.post_form("/logout", &[OWN[0], ("cookie", own)], "").await;
    assert_eq!(front.get("/", &[("cookie", own)]).await.status, 303, "dead on the server");
}
