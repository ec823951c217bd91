//! An application that acts for people, and the browser in which they log in and decide.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use oauth2::url::{Url, form_urlencoded};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::{
    scene::Scene,
    web::{self, Answer},
};

/// Where applications of the features have codes sent: nobody listens there, the browser's address is read.
pub const REDIRECT: &str = "https://planner.example/done";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// An application, and what it holds.
#[derive(Clone, Debug, Default)]
pub struct Application {
    /// Its id.
    pub id: String,
    /// Unless it is public.
    pub secret: Option<String>,
    /// Where it has codes sent.
    pub redirect: String,
    /// What the browser was last sent back with.
    pub sent_back: BTreeMap<String, String>,
    /// The page that its user has before them.
    pub page: String,
    /// Its last access token.
    pub access: String,
    /// Its refresh tokens, the last one last.
    pub refresh: Vec<String>,
}

impl Application {
    /// The authorisation request for these scopes, with more parameters.
    pub fn request(&self, scopes: &str, more: &[(&str, &str)]) -> String {
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
        let usual = [
            ("response_type", "code"),
            ("client_id", &self.id),
            ("redirect_uri", &self.redirect),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("state", "where I was"),
            ("scope", scopes),
        ];
        let mut query = form_urlencoded::Serializer::new(String::new());
        let kept = usual.iter().filter(|(name, _)| !more.iter().any(|(other, _)| other == name));
        query.extend_pairs(kept).extend_pairs(more.iter().filter(|(_, value)| !value.is_empty()));
        format!("/oauth/authorize?{}", query.finish())
    }

    /// Takes the browser's next answer: a page, or an address at which the application reads its parameters.
    pub fn take(&mut self, answer: &Answer) {
        self.page = answer.text.clone();
        self.sent_back.clear();
        let location = answer.header("location");
        if location.starts_with(&self.redirect) {
            let url = Url::parse(location).expect("a URL");
            self.sent_back = url.query_pairs().into_owned().collect();
        }
    }

    /// What a button of the consent page sends.
    pub fn decision(&self, button: &str) -> String {
        let hidden = |name: &str| {
            let start = self.page.split_once(&format!("name=\"{name}\" value=\"")).expect("the consent page").1;
            start.split('"').next().expect("a value").replace("&amp;", "&")
        };
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("request", &hidden("request")).append_pair("seal", &hidden("seal"));
        form.append_pair("decision", button).finish()
    }

    /// The form that exchanges the code that it was sent.
    pub fn exchange(&self) -> String {
        let mut form = form_urlencoded::Serializer::new("grant_type=authorization_code".to_owned());
        form.append_pair("code", &self.sent_back["code"])
            .append_pair("redirect_uri", &self.redirect)
            .append_pair("code_verifier", VERIFIER);
        form.finish()
    }

    /// Sends a form of its own to an OAuth endpoint.
    pub async fn send(&self, scene: &Scene, endpoint: &str, form: &str) -> Answer {
        let mut proof = form_urlencoded::Serializer::new(String::new());
        proof.append_pair("client_id", &self.id);
        if let Some(secret) = &self.secret {
            proof.append_pair("client_secret", secret);
        }
        let form = format!("{form}&{}", proof.finish());
        let kind = ("content-type", "application/x-www-form-urlencoded".to_owned());
        web::send(scene, "POST", endpoint, &[kind], Some(form)).await
    }

    /// Keeps the tokens of an answer, if there are any.
    pub fn keep(&mut self, answer: &Answer) {
        let body: Value = serde_json::from_str(&answer.text).unwrap_or_default();
        let text = |name: &str| body[name].as_str().map(str::to_owned);
        self.access = text("access_token").unwrap_or_else(|| self.access.clone());
        self.refresh.extend(text("refresh_token"));
    }
}
