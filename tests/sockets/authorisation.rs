//! The authorisation server as an application meets it: a stock OAuth library that is told nothing but the
//! server's address, and a browser without JavaScript in which a person logs in and decides.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{collections::BTreeMap, time::Duration};

use oauth2::{
    AccessToken, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EmptyExtraTokenFields,
    EndpointMaybeSet, HttpRequest, HttpResponse, IntrospectionUrl, PkceCodeChallenge, RedirectUrl, RefreshToken,
    RevocationUrl, Scope, StandardRevocableToken, StandardTokenResponse, TokenIntrospectionResponse as _,
    TokenResponse as _, TokenUrl,
    basic::{BasicClient, BasicErrorResponseType, BasicTokenType},
    url::{Url, form_urlencoded},
};
use reqwest::{Certificate, Client as Browser, redirect::Policy};
use serde_json::Value;
use widgetapp::client::{Client as Stream, ConnectError, Event};

use crate::{
    live,
    product::{Product, eventually},
    tls::{Identity, start},
};

const A_MINUTE: Duration = Duration::from_secs(60);
const REDIRECT: &str = "http://127.0.0.1:45678/callback";

type Tokens = StandardTokenResponse<EmptyExtraTokenFields, BasicTokenType>;
type Library =
    BasicClient<EndpointMaybeSet, oauth2::EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet, EndpointMaybeSet>;

/// An application, which knows where the server is and what the server tells about itself.
struct Application<'a> {
    product: &'a Product,
    identity: &'a Identity,
    metadata: BTreeMap<String, Value>,
    library: Library,
}

fn browser(identity: &Identity) -> Browser {
    // It fails where another test has done it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let root = Certificate::from_pem(identity.certificate.as_bytes()).unwrap();
    Browser::builder().tls_certs_only([root]).cookie_store(true).redirect(Policy::none()).build().unwrap()
}

impl<'a> Application<'a> {
    async fn discover(product: &'a Product, identity: &'a Identity, id: &str, secret: Option<&str>) -> Self {
        let address = format!("{}/.well-known/oauth-authorization-server", product.url());
        let answer = browser(identity).get(address).send().await.unwrap();
        let metadata: BTreeMap<String, Value> = answer.json().await.unwrap();
        let told = |name: &str| metadata[name].as_str().unwrap().to_owned();
        assert_eq!(told("issuer"), product.url(), "RFC 8414: the issuer is the address that was asked");
        let mut library = BasicClient::new(ClientId::new(id.into()))
            .set_auth_uri_option(Some(AuthUrl::new(told("authorization_endpoint")).unwrap()))
            .set_token_uri_option(Some(TokenUrl::new(told("token_endpoint")).unwrap()))
            .set_revocation_url_option(Some(RevocationUrl::new(told("revocation_endpoint")).unwrap()))
            .set_introspection_url_option(Some(IntrospectionUrl::new(told("introspection_endpoint")).unwrap()))
            .set_redirect_uri(RedirectUrl::new(REDIRECT.into()).unwrap());
        if let Some(secret) = secret {
            library = library.set_client_secret(ClientSecret::new(secret.into()));
        }
        Self { product, identity, metadata, library }
    }

    /// The demonstration's application with a secret.
    async fn external_system(product: &'a Product, identity: &'a Identity) -> Self {
        let demo = product.demo();
        let secret = demo["clients"]["demo-external-system"]["client_secret"].as_str().unwrap();
        Self::discover(product, identity, "demo-external-system", Some(secret)).await
    }

    fn http(
        &self,
    ) -> impl Fn(HttpRequest) -> std::pin::Pin<Box<dyn Future<Output = Result<HttpResponse, reqwest::Error>> + Send>>
    {
        let client = browser(self.identity);
        move |request| {
            let client = client.clone();
            Box::pin(async move {
                let answer = client.execute(request.try_into()?).await?;
                let (status, headers) = (answer.status(), answer.headers().clone());
                let mut response = HttpResponse::new(answer.bytes().await?.to_vec());
                (*response.status_mut(), *response.headers_mut()) = (status, headers);
                Ok(response)
            })
        }
    }

    /// A grant of a user, who logs in and allows it.
    async fn granted_by(&self, user: &str) -> Tokens {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let request = self.library.authorize_url(CsrfToken::new_random).unwrap();
        let (url, state) = request.add_scope(Scope::new("stream".into())).set_pkce_challenge(challenge).url();
        let answer = self.visit(url, user, "allow").await;
        assert_eq!((answer["state"].as_str(), answer["iss"].as_str()), (state.secret().as_str(), self.product.url()));
        let code = AuthorizationCode::new(answer["code"].clone());
        let exchange = self.library.exchange_code(code).unwrap().set_pkce_verifier(verifier);
        exchange.request_async(&self.http()).await.unwrap()
    }

    /// A browser goes there; its user logs in, decides, and is sent on with these parameters.
    async fn visit(&self, url: Url, user: &str, decision: &str) -> BTreeMap<String, String> {
        let browser = browser(self.identity);
        let follow = |location: &str| url.join(location).unwrap();
        let location = |answer: &reqwest::Response| {
            assert_eq!(answer.status(), 303);
            answer.headers()["location"].to_str().unwrap().to_owned()
        };
        let login = follow(&location(&browser.get(url.clone()).send().await.unwrap()));
        assert_eq!(login.path(), "/login");
        let next = hidden(&browser.get(login.clone()).send().await.unwrap().text().await.unwrap(), "next");
        let demo = self.product.demo();
        let password = demo["users"][user]["password"].as_str().unwrap();
        let form = [("username", user), ("password", password), ("next", &next)];
        let consent = follow(&location(&browser.post(login).form(&form).send().await.unwrap()));
        let page = browser.get(consent).send().await.unwrap().text().await.unwrap();
        assert!(page.contains("in your name"), "{page}");
        let form =
            [("request", hidden(&page, "request")), ("seal", hidden(&page, "seal")), ("decision", decision.into())];
        let answer = browser.post(follow("/oauth/authorize")).form(&form).send().await.unwrap();
        let sent_to = location(&answer);
        let query = sent_to.strip_prefix(&format!("{REDIRECT}?")).unwrap();
        form_urlencoded::parse(query.as_bytes()).into_owned().collect()
    }

    async fn introspect(&self, token: &str) -> bool {
        let token = AccessToken::new(token.into());
        let answer = self.library.introspect(&token).unwrap().request_async(&self.http()).await.unwrap();
        answer.active()
    }

    async fn status_of(&self, token: &str) -> u16 {
        let request = browser(self.identity).get(format!("{}/_ajax/scroll", self.product.url())).bearer_auth(token);
        request.send().await.unwrap().status().as_u16()
    }

    async fn refresh(&self, token: &RefreshToken) -> Result<Tokens, BasicErrorResponseType> {
        match self.library.exchange_refresh_token(token).unwrap().request_async(&self.http()).await {
            Ok(tokens) => Ok(tokens),
            Err(oauth2::RequestTokenError::ServerResponse(error)) => Err(error.error().clone()),
            Err(error) => panic!("{error}"),
        }
    }
}

/// The value of a hidden field.
fn hidden(page: &str, name: &str) -> String {
    let start = page.split_once(&format!("name=\"{name}\" value=\"")).expect(page).1;
    start.split('"').next().unwrap().replace("&amp;", "&")
}

async fn until_closed(events: &mut widgetapp::client::Events) -> u16 {
    live::until(events, "the end", |event| match event {
        Event::Ended(ConnectError::Closed { code, .. }) => Some(code),
        _ => None,
    })
    .await
}

#[test]
fn a_stock_library_does_everything_by_the_metadata_alone() {
    book::claims!("oauth-stock", 1);
    let identity = Identity::new();
    let product = start(&identity);
    live::run(A_MINUTE, async {
        let app = Application::discover(&product, &identity, "demo-app", None).await;
        let system = Application::external_system(&product, &identity).await;

        let tokens = app.granted_by("ada").await;
        let (access, refresh) = (tokens.access_token().secret().clone(), tokens.refresh_token().unwrap().clone());
        assert_eq!(tokens.scopes().unwrap(), &[Scope::new("stream".into())]);
        assert!(system.introspect(&access).await);
        assert_eq!(system.status_of(&access).await, 403, "it is for streams alone");

        let next = app.refresh(&refresh).await.unwrap();
        assert_ne!(next.refresh_token().unwrap().secret(), refresh.secret());
        assert!(system.introspect(next.access_token().secret()).await);

        let own = system.library.exchange_client_credentials().unwrap().request_async(&system.http()).await.unwrap();
        assert!(own.refresh_token().is_none() && system.introspect(own.access_token().secret()).await);
        assert_eq!(system.status_of(own.access_token().secret()).await, 200);

        let revoked = StandardRevocableToken::from(next.refresh_token().unwrap().clone());
        app.library.revoke_token(revoked).unwrap().request_async(&app.http()).await.unwrap();
        for token in [&access, next.access_token().secret()] {
            assert!(!system.introspect(token).await);
        }
        let late = app.refresh(next.refresh_token().unwrap()).await;
        assert_eq!(late.unwrap_err(), BasicErrorResponseType::InvalidGrant);

        let (challenge, _) = PkceCodeChallenge::new_random_sha256();
        let (url, _) = app.library.authorize_url(CsrfToken::new_random).unwrap().set_pkce_challenge(challenge).url();
        assert_eq!(app.visit(url, "grace", "deny").await["error"], "access_denied");
        assert!(app.metadata.contains_key("jwks_uri"));
    });
}

#[test]
fn what_ends_a_grant_ends_its_live_streams_and_nobody_elses() {
    book::claims!("oauth-revoke", 1);
    book::claims!("clients-revoke", 1);
    book::claims!("oauth-refresh-reuse", 1);
    let identity = Identity::new();
    let product = start(&identity);
    live::run(A_MINUTE, async {
        let app = Application::discover(&product, &identity, "demo-app", None).await;
        let other = app.granted_by("ada").await;
        let stream = async |tokens: &Tokens| {
            let token = tokens.access_token().secret().as_str();
            let builder = Stream::builder(product.url(), token).tls_root(identity.certificate.as_bytes());
            builder.connect().await.expect("a stream opens")
        };
        let (_other, mut others_events) = stream(&other).await;
        for how in ["revoked by the application", "a refresh token used twice", "revoked by the administrator"] {
            let tokens = app.granted_by("ada").await;
            let (_client, mut events) = stream(&tokens).await;
            let refresh = tokens.refresh_token().unwrap();
            match how {
                "revoked by the application" => {
                    let token = StandardRevocableToken::from(refresh.clone());
                    app.library.revoke_token(token).unwrap().request_async(&app.http()).await.unwrap();
                }
                "a refresh token used twice" => {
                    let next = app.refresh(refresh).await.unwrap();
                    assert!(
                        app.refresh(refresh).await.is_err()
                            && app.refresh(next.refresh_token().unwrap()).await.is_err()
                    );
                }
                _ => {
                    let token = tokens.access_token().secret();
                    let said = tokio::task::block_in_place(|| product.admin(&["-token", "-revoke", token]));
                    assert!(said.0 == 0 && said.1.contains("1 connection was ended"), "{said:?}");
                }
            }
            let ended = tokio::time::timeout(Duration::from_secs(1), until_closed(&mut events)).await;
            assert_eq!(ended.expect("within a second"), 4500, "{how}");
        }
        while let Some(event) = others_events.try_recv() {
            assert!(!matches!(event, Event::Ended(_) | Event::Disconnected { .. }), "{event:?}");
        }
        let said = tokio::task::block_in_place(|| product.admin(&["-client", "demo-app", "-revoke"]));
        assert!(said.0 == 0 && said.1.contains("1 connection was ended"), "{said:?}");
        let ended = tokio::time::timeout(Duration::from_secs(1), until_closed(&mut others_events)).await;
        assert_eq!(ended.expect("within a second"), 4500);
        let noted = |rows: &[Value], what: &str, outcome: &str| {
            rows.iter().any(|row| row["what"] == what && row["outcome"].as_str().unwrap().starts_with(outcome))
        };
        // What happens is written down once a second.
        tokio::task::block_in_place(|| {
            eventually("all of it is recorded", || {
                let said = product.admin(&["-audit", "-json"]).1;
                let rows: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
                let all = [
                    ("consent_given", "done"),
                    ("grant_ended", "revoked"),
                    ("grant_ended", "refresh_token_used_twice"),
                    ("grant_ended", "done"),
                    ("client_revoked", "done"),
                ];
                all.iter().all(|(what, outcome)| noted(&rows, what, outcome)).then_some(())
            });
        });
    });
}
