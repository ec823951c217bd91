//! For tests: an application that asks for a code, a browser that decides, and the exchange of the code.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use oauth2::url::{Url, form_urlencoded};
use sha2::{Digest, Sha256};

use crate::wfe::fixture::{Answer, BASE, Front};

pub(super) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// An application and what it asks for.
pub(super) struct Flow {
    pub client: &'static str,
    pub redirect: &'static str,
    pub scope: &'static str,
}

impl Flow {
    pub fn of(client: &'static str, redirect: &'static str) -> Self {
        Self { client, redirect, scope: "stream things:read" }
    }

    /// The authorisation request, with some parameters changed or added.
    pub fn url(&self, change: &[(&str, &str)]) -> String {
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
        let usual = [
            ("response_type", "code"),
            ("client_id", self.client),
            ("redirect_uri", self.redirect),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("state", "a &b"),
            ("scope", self.scope),
        ];
        let new = |name: &str| change.iter().find(|change| change.0 == name).map(|change| change.1);
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(usual.iter().map(|&(name, value)| (name, new(name).unwrap_or(value))));
        query.extend_pairs(change.iter().filter(|change| !usual.iter().any(|usual| usual.0 == change.0)));
        format!("/oauth/authorize?{}", query.finish())
    }

    /// The hidden fields of the consent page.
    pub async fn form(&self, front: &Front, cookie: &str) -> String {
        let page = front.get(&self.url(&[]), &[("cookie", cookie)]).await;
        let field = |name: &str| {
            let start = page.text.split_once(&format!("name=\"{name}\" value=\"")).expect("the consent page").1;
            start.split('"').next().unwrap().replace("&amp;", "&")
        };
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("request", &field("request")).append_pair("seal", &field("seal"));
        form.finish()
    }

    /// What the user's browser gets for pressing a button of the consent page.
    pub async fn decide(&self, front: &Front, cookie: &str, decision: &str) -> Answer {
        let form = format!("{}&decision={decision}", self.form(front, cookie).await);
        let headers = [("cookie", cookie), ("origin", BASE), ("sec-fetch-site", "same-origin")];
        front.post_form("/oauth/authorize", &headers, &form).await
    }

    /// A code that the user has allowed.
    pub async fn code(&self, front: &Front, cookie: &str) -> String {
        let asked = front.get(&self.url(&[]), &[("cookie", cookie)]).await;
        let answer = if asked.status == 303 { asked } else { self.decide(front, cookie, "allow").await };
        let location = Url::parse(answer.header("location")).expect(&answer.text);
        location.query_pairs().find(|(name, _)| name == "code").expect("a code").1.into_owned()
    }

    /// The token request for a code.
    pub fn redeem(&self, code: &str) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code")
            .append_pair("client_id", self.client)
            .append_pair("code", code)
            .append_pair("redirect_uri", self.redirect)
            .append_pair("code_verifier", VERIFIER);
        form.finish()
    }

    /// The refresh request.
    pub fn refresh(&self, token: &str) -> String {
        format!("grant_type=refresh_token&client_id={}&refresh_token={token}", self.client)
    }

    /// Access token and refresh token of a new grant by ada, or whoever is logged in.
    pub async fn tokens(&self, front: &Front, cookie: &str) -> (String, String) {
        let code = self.code(front, cookie).await;
        pair(&front.post_form("/oauth/token", &[], &self.redeem(&code)).await)
    }
}

/// Access token and refresh token of an answer.
pub(super) fn pair(answer: &Answer) -> (String, String) {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let text = |name: &str| answer.json()[name].as_str().expect(name).to_owned();
    (text("access_token"), text("refresh_token"))
}
