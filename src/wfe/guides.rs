//! The guides, if the setting `http.guides` names the folder that they were built into. From here readers can try out
//! in the page what they read, because their login counts.
//!
//! Owns what those pages may do in a browser: they run the scripts of mdBook, some of which stand in the pages
//! themselves. Each of these is allowed by its hash, as it stands in the file; what gets into a page later, in the
//! browser, is not run. Knows nothing of what the guides say.

use axum::{
    Router,
    body::to_bytes,
    extract::Request,
    middleware::{self, Next},
    response::{IntoResponse, Redirect, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{
    HeaderValue,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LAST_MODIFIED, X_FRAME_OPTIONS},
};
use sha2::{Digest as _, Sha256};
use tower_http::services::ServeDir;

use super::{App, problem, problem::Problem, router::CONTENT_SECURITY_POLICY_TEXT};
use crate::protocol::ErrorCode;

/// Where they are.
const PATH: &str = "/guide";
/// No page is larger, that with all pages in it included.
const MOST_PAGE_BYTES: usize = 32 * 1024 * 1024;

/// What is served below [`PATH`]; nothing without the setting.
pub(super) fn routes(app: &App) -> Router<App> {
    let Some(folder) = &app.config().http.guides else { return Router::new() };
    if !folder.join("index.html").is_file() {
        let folder = folder.display();
        tracing::warn!(%folder, "there are no guides in the folder of http.guides; build them with mdbook build book");
    }
    Router::new()
        .nest_service(PATH, ServeDir::new(folder))
        .layer(middleware::map_response(confined))
        .layer(middleware::map_response(problem::complete))
        .layer(middleware::from_fn(with_slash))
}

/// Lets the guides show a page of ours inside theirs, where they are served. Pages of other sites never may.
pub(super) fn may_show(app: &App, mut page: Response) -> Response {
    if app.config().http.guides.is_some() {
        let policy = CONTENT_SECURITY_POLICY_TEXT.replace("frame-ancestors 'none'", "frame-ancestors 'self'");
        let policy = HeaderValue::from_str(&policy).expect("it was one before");
        page.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
        page.headers_mut().insert(X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN"));
    }
    page
}

/// Links in the start page are meant from its folder on.
async fn with_slash(request: Request, next: Next) -> Response {
    if request.uri().path() == PATH {
        return Redirect::permanent(&format!("{PATH}/")).into_response();
    }
    next.run(request).await
}

/// Says what a page may do.
async fn confined(response: Response) -> Response {
    let is_page = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    let (mut parts, body) = response.into_parts();
    if !is_page {
        parts.headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        return Response::from_parts(parts, body);
    }
    let Ok(page) = to_bytes(body, MOST_PAGE_BYTES).await else {
        return Problem::from(ErrorCode::Internal).into_response();
    };
    let policy = HeaderValue::from_str(&policy(&String::from_utf8_lossy(&page))).expect("hashes are plain text");
    parts.headers.insert(CONTENT_SECURITY_POLICY, policy);
    // A page that is kept would be shown under the policy of another edition.
    parts.headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    parts.headers.remove(LAST_MODIFIED);
    Response::from_parts(parts, page.into())
}

/// The policy of a page: its own scripts, ours, and in its frames our pages.
fn policy(page: &str) -> String {
    let hashes: String = scripts_within(page)
        .map(|script| format!(" 'sha256-{}'", STANDARD.encode(Sha256::digest(script.as_bytes()))))
        .collect();
    // mdBook and the examples place things by `style`.
    format!(
        "default-src 'none'; script-src 'self'{hashes}; connect-src 'self'; style-src 'self' 'unsafe-inline'; \
         img-src 'self' data:; font-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'"
    )
}

/// The scripts that stand in a page themselves.
fn scripts_within(page: &str) -> impl Iterator<Item = &str> {
    page.split("<script").skip(1).filter_map(|rest| {
        let (attributes, rest) = rest.split_once('>')?;
        let (script, _) = rest.split_once("</script>")?;
        (!attributes.contains("src=")).then_some(script)
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::wfe::fixture::Front;

    const PAGE: &str = r#"<html><script src="a.js"></script><script>let a = 1;</script><p>&lt;script>no</p></html>"#;

    fn front_with(folder: &Path) -> Front {
        std::fs::write(folder.join("index.html"), PAGE).unwrap();
        std::fs::write(folder.join("a.js"), "alert(1)").unwrap();
        Front::with(|config| config.http.guides = Some(folder.to_owned()))
    }

    #[tokio::test]
    async fn a_page_may_run_its_own_scripts_and_no_others() {
        let folder = tempfile::tempdir().unwrap();
        let front = front_with(folder.path());
        let page = front.get("/guide/", &[]).await;
        assert_eq!((page.status.as_u16(), page.text.as_str()), (200, PAGE));
        let policy = page.header("content-security-policy");
        // echo -n 'let a = 1;' | openssl dgst -sha256 -binary | base64
        let hash = "xY6QKfH9PRsQnLz56nj6MBwiK5oHg+im1Jkpdp1x/Ck=";
        assert!(policy.contains(&format!("script-src 'self' 'sha256-{hash}';")), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert_eq!((page.header("x-frame-options"), page.header("cache-control")), ("DENY", "no-store"));
        let script = front.get("/guide/a.js", &[]).await;
        assert_eq!((script.header("content-type"), script.header("cache-control")), ("text/javascript", "no-cache"));
        assert!(script.header("content-security-policy").contains("default-src 'none'"));
        assert_eq!(front.get("/guide", &[]).await.header("location"), "/guide/");
    }

    #[tokio::test]
    async fn nothing_else_of_the_machine_is_served() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("guides");
        std::fs::create_dir(&inner).unwrap();
        std::fs::write(folder.path().join("secret"), "secret").unwrap();
        let front = front_with(&inner);
        for path in ["/guide/../secret", "/guide/%2e%2e/secret", "/guide/..%2fsecret", "/guide//etc/hosts", "/guide/no"]
        {
            assert!(front.get(path, &[]).await.is(404, "not_found"), "{path}");
        }
        assert!(Front::new().get("/guide/", &[]).await.is(404, "not_found"), "without the setting");
        assert!(front.send("POST", "/guide/", &[], "").await.is(405, "method_not_allowed"));
    }

    #[tokio::test]
    async fn only_the_page_of_a_thing_may_be_shown_inside_another() {
        let folder = tempfile::tempdir().unwrap();
        let (with, without) = (front_with(folder.path()), Front::new());
        for (front, ancestors, options) in [(with, "'self'", "SAMEORIGIN"), (without, "'none'", "DENY")] {
            let cookie = front.log_in().await;
            let cookie = ("cookie", cookie.as_str());
            let thing = front.people.thing(&front.people.ada, "Bridge", 1);
            let page = front.get(&format!("/things/{thing}"), &[cookie]).await;
            let policy = page.header("content-security-policy");
            assert!(page.status == 200 && policy.contains(&format!("frame-ancestors {ancestors}")), "{policy}");
            assert_eq!(page.header("x-frame-options"), options);
            for path in ["/", "/login", "/oauth/authorize", "/account/applications", "/admin", "/things/none"] {
                let page = front.get(path, &[cookie]).await;
                let policy = page.header("content-security-policy");
                assert!(policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
                assert_eq!(page.header("x-frame-options"), "DENY", "{path}");
            }
        }
    }
}
