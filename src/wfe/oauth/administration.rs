//! What the administrator may see and do of the authorisation server: applications, grants, signing keys.
//! Each answer is lines to print, or one line that says why not.

use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use super::{Tokens, check_redirect, refresh_token::RefreshToken, secret_hash, tokens::grant_of_jti};
use crate::{
    access::{Scope, Scopes},
    clock,
    ipc::control::{LISTED_AT_ONCE, OauthRequest},
    store::{Client, Grant, NewClient, Store, StoreError, audit::Event},
    wfe::{
        administration::{Administration, Answer, and_connections},
        passwords::secret,
    },
};

/// Answers one question.
pub(in crate::wfe) fn answer(administration: &Administration, request: OauthRequest) -> Answer {
    let (store, tokens) = (administration.store(), administration.app.tokens());
    match request {
        OauthRequest::Clients { json, skip } => {
            let clients = store.clients().map_err(shown)?;
            clients.iter().skip(skip).take(LISTED_AT_ONCE).map(|client| client_line(store, client, json)).collect()
        }
        OauthRequest::AddClient { client, display_name, organisation, groups, redirect_uris, scopes, public, json } => {
            let organisation = administration.organisation(organisation)?;
            let new =
                Registration { client: &client, display_name, organisation, groups, redirect_uris, scopes, public };
            let scopes = new.check(administration)?;
            let secret = (!public).then(secret::<32>);
            let add = |store: &Store| new.register(store, scopes, secret.as_deref());
            administration.done(Event::ClientAdded, &client, add)?;
            Ok(vec![credentials(&client, secret.as_deref(), json)])
        }
        OauthRequest::DisableClient { client, disabled } => {
            let event = if disabled { Event::ClientRevoked } else { Event::ClientEnabled };
            let set = |store: &Store| known(store, &client).and_then(|()| store.set_disabled(&client, disabled));
            let ended = administration.done(event, &client, set)?;
            Ok(vec![match disabled {
                true => {
                    format!("{client} is revoked; its tokens have ended, and it gets no more{}", and_connections(ended))
                }
                false => format!("{client} may ask for tokens again"),
            }])
        }
        OauthRequest::NewSecret { client, json } => {
            let secret = secret::<32>();
            administration.done(Event::ClientSecretChanged, &client, |store| {
                known(store, &client).and_then(|()| store.set_client_secret(&client, &secret_hash(&secret)))
            })?;
            Ok(vec![credentials(&client, Some(&secret), json)])
        }
        OauthRequest::Grants { user, json, skip } => {
            let grants = store.grants(user.as_deref(), clock::unix_seconds()).map_err(shown)?;
            Ok(grants.iter().skip(skip).take(LISTED_AT_ONCE).map(|grant| grant_line(grant, json)).collect())
        }
        OauthRequest::EndGrant { token } => {
            if let Some(external) = administration.app.verifier().issuer_of(token.trim()) {
                return Err(format!("this is a token of {}, and is revoked there", external.issuer()));
            }
            let grant = named_by(tokens, &token).ok_or("this is no token and no id that -tokens shows")?;
            let ended = administration.done(Event::GrantEnded, &grant.to_string(), |store| {
                let absent = || StoreError::Absent(format!("grant {grant} that has not ended"));
                store.end_grant(grant)?.then_some(()).ok_or_else(absent)
            })?;
            Ok(vec![format!("the grant {grant} has ended, with all its tokens{}", and_connections(ended))])
        }
        OauthRequest::RotateKeys => {
            let key = tokens.rotate_keys(clock::unix_seconds()).map_err(shown)?;
            administration.done(Event::KeysRotated, &key, |_| Ok(()))?;
            Ok(vec![format!("access tokens are signed with the new key {key}; older ones stay good until they expire")])
        }
    }
}

/// An application to be registered.
struct Registration<'a> {
    client: &'a str,
    display_name: Option<String>,
    organisation: String,
    groups: Vec<String>,
    redirect_uris: Vec<String>,
    scopes: Vec<String>,
    public: bool,
}

impl Registration<'_> {
    /// Whether it can be registered; the scopes that it is to have.
    fn check(&self, administration: &Administration) -> Result<Scopes, String> {
        if self.client == super::FIRST_PARTY_CLIENT {
            return Err(format!("there is already a client named {}, which is built in", self.client));
        }
        self.redirect_uris.iter().try_for_each(|uri| check_redirect(uri))?;
        if self.public && self.redirect_uris.is_empty() {
            return Err("a public application acts for its users: name where it gets its codes with -redirect".into());
        }
        if self.public && !self.groups.is_empty() {
            return Err("a public application acts for its users, and it is their groups that count".into());
        }
        for group in &self.groups {
            if administration.organisation_of(group).map_err(shown)? != self.organisation {
                return Err(format!("there is no group named {group} in {}", self.organisation));
            }
        }
        let names = self.scopes.join(" ");
        let scopes = if names.is_empty() { Some(Scopes::ALL) } else { Scopes::parse(&names) };
        let all: Vec<_> = Scope::ALL.iter().map(|scope| scope.name()).collect();
        scopes.ok_or_else(|| format!("the scopes are {}", all.join(", ")))
    }

    fn register(&self, store: &Store, scopes: Scopes, secret: Option<&str>) -> Result<(), StoreError> {
        let hash = secret.map(secret_hash);
        let principal = store.add_client(&NewClient {
            id: self.client,
            organisation: &self.organisation,
            display_name: self.display_name.as_deref(),
            secret_hash: hash.as_ref().map(|hash| &hash[..]),
            redirect_uris: &self.redirect_uris,
            scopes: &scopes.to_string(),
        })?;
        self.groups.iter().try_for_each(|group| store.join_group(group, &principal))
    }
}

/// The grant that is meant: by its id, by the `jti` of a token, or by a token itself, good or not.
fn named_by(tokens: &Tokens, text: &str) -> Option<Uuid> {
    let text = text.trim();
    let by_token = || tokens.verify(text, clock::unix_seconds()).ok().map(|token| token.grant);
    grant_of_jti(text).or_else(|| RefreshToken::read(text).map(|token| token.grant)).or_else(by_token)
}

fn client_line(store: &Store, client: &Client, json: bool) -> Result<String, String> {
    let groups = store.memberships(&client.principal).map_err(shown)?;
    let public = client.secret_hash.is_none();
    let name = &client.principal.name;
    let organisation = &client.principal.organisation;
    if json {
        let scopes: Vec<_> = client.scopes.split(' ').collect();
        let line = json!({
            "client": name, "display_name": client.display_name, "organisation": organisation, "public": public, "revoked": client.disabled,
            "scopes": scopes, "redirect_uris": client.redirect_uris, "groups": groups,
        });
        return Ok(line.to_string());
    }
    let kind = if public { "public" } else { "confidential" };
    let state = if client.disabled { "revoked" } else { "registered" };
    let scopes = client.scopes.replace(' ', ",");
    Ok([&[name.as_str(), organisation, kind, state, &scopes], &texts(&groups)[..], &texts(&client.redirect_uris)]
        .concat()
        .join("  "))
}

fn texts(owned: &[String]) -> Vec<&str> {
    owned.iter().map(String::as_str).collect()
}

fn grant_line(grant: &Grant, json: bool) -> String {
    let (since, used) = (time(grant.created_at), time(grant.used_at));
    let user = &grant.principal.name;
    if json {
        let scopes: Vec<_> = grant.scopes.split(' ').collect();
        let line = json!({
            "id": grant.id, "client": grant.client, "user": user, "organisation": grant.principal.organisation,
            "scopes": scopes, "since": since, "last_token": used, "ends": time(grant.expires_at),
        });
        return line.to_string();
    }
    let scopes = grant.scopes.replace(' ', ",");
    format!("{}  {}  {user}  {scopes}  since {since}  last token {used}", grant.id, grant.client)
}

fn time(seconds: u64) -> String {
    i64::try_from(seconds)
        .ok()
        .and_then(|at| Timestamp::from_second(at).ok())
        .map(|at| at.to_string())
        .unwrap_or_default()
}

/// What the application is told once; the secret is kept as a hash alone.
fn credentials(client: &str, secret: Option<&str>, json: bool) -> String {
    match (secret, json) {
        (Some(secret), true) => json!({"client_id": client, "client_secret": secret}).to_string(),
        (None, true) => json!({"client_id": client}).to_string(),
        (Some(secret), false) => format!("client_id {client}\nclient_secret {secret}"),
        (None, false) => format!("client_id {client}"),
    }
}

fn known(store: &Store, client: &str) -> Result<(), StoreError> {
    store
        .client(client)?
        .map(drop)
        .ok_or_else(|| StoreError::Absent(format!("application named {client}; see -clients")))
}

fn shown(error: StoreError) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Records as _;
    use crate::wfe::fixture::{Front, basic};

    fn answer(front: &Front, request: OauthRequest) -> Answer {
        super::answer(front.administration(), request)
    }

    /// What is to be registered.
    struct New {
        client: &'static str,
        organisation: Option<&'static str>,
        group: &'static str,
        redirect: &'static str,
        scope: &'static str,
        public: bool,
    }

    const NEW: New = New {
        client: "new",
        organisation: Some("acme"),
        group: "designers",
        redirect: "https://new.test/cb",
        scope: "stream",
        public: false,
    };

    fn add(front: &Front, new: New) -> Answer {
        let request = OauthRequest::AddClient {
            client: new.client.into(),
            display_name: None,
            organisation: new.organisation.map(str::to_owned),
            groups: vec![new.group.into()],
            redirect_uris: vec![new.redirect.into()],
            scopes: vec![new.scope.into()],
            public: new.public,
            json: false,
        };
        answer(front, request)
    }

    #[tokio::test]
    async fn a_registered_application_gets_tokens_until_it_is_revoked() {
        let front = Front::new();
        let printed = add(&front, NEW).unwrap().remove(0);
        let secret = printed.strip_prefix("client_id new\nclient_secret ").unwrap();
        let ask = async |secret: &str| {
            let credentials = basic("new", secret);
            let headers = [("authorization", credentials.as_str())];
            front.post_form("/oauth/token", &headers, "grant_type=client_credentials").await
        };
        let token = ask(secret).await.json()["access_token"].as_str().unwrap().to_owned();
        let new = front.people.store.client("new").unwrap().unwrap().principal;
        assert!(front.people.store.standing(&new).unwrap().approved);
        let listed = answer(&front, OauthRequest::Clients { json: false, skip: 0 }).unwrap();
        assert!(
            listed.contains(&"new  acme  confidential  registered  stream  designers  https://new.test/cb".to_owned())
        );
        let printed = answer(&front, OauthRequest::NewSecret { client: "new".into(), json: true }).unwrap().remove(0);
        let printed: serde_json::Value = serde_json::from_str(&printed).unwrap();
        let new = printed["client_secret"].as_str().unwrap();
        assert_eq!((ask(secret).await.status.as_u16(), ask(new).await.status.as_u16()), (401, 200));
        let set = |disabled| answer(&front, OauthRequest::DisableClient { client: "new".into(), disabled });
        set(true).unwrap();
        let listed = answer(&front, OauthRequest::Clients { json: false, skip: 0 }).unwrap();
        let revoked = "new  acme  confidential  revoked  stream  designers  https://new.test/cb".to_owned();
        assert!(listed.contains(&revoked), "it has its groups again when it is enabled: {listed:?}");
        let verify = || front.app.tokens().verify(&token, clock::unix_seconds()).is_ok();
        assert!(!verify() && ask(new).await.status == 401);
        set(false).unwrap();
        assert!(!verify() && ask(new).await.status == 200, "what has ended stays ended");
    }

    #[test]
    fn what_cannot_be_registered_is_told_in_one_line() {
        let front = Front::new();
        let refused = [
            add(&front, New { client: "system", ..NEW }),
            add(&front, New { client: "widgetapp-cli", ..NEW }),
            add(&front, New { client: "New App", ..NEW }),
            add(&front, New { organisation: None, ..NEW }),
            add(&front, New { organisation: Some("nowhere"), ..NEW }),
            add(&front, New { group: "spies", ..NEW }),
            add(&front, New { redirect: "http://new.test/cb", ..NEW }),
            add(&front, New { scope: "admin", ..NEW }),
            add(&front, New { public: true, ..NEW }),
            answer(&front, OauthRequest::NewSecret { client: "web-app".into(), json: false }),
            answer(&front, OauthRequest::NewSecret { client: "ada".into(), json: false }),
            answer(&front, OauthRequest::DisableClient { client: "ada".into(), disabled: true }),
            answer(&front, OauthRequest::EndGrant { token: "nonsense".into() }),
            answer(&front, OauthRequest::EndGrant { token: clock::new_id().to_string() }),
        ];
        for (at, answer) in refused.into_iter().enumerate() {
            let why = answer.expect_err(&at.to_string());
            assert_eq!(why.lines().count(), 1, "{why}");
        }
        assert!(front.people.store.client("new").unwrap().is_none());
    }

    #[test]
    fn a_grant_is_listed_and_ended_by_its_id_or_by_a_token() {
        let front = Front::new();
        let (ada, now) = (&front.people.ada, clock::unix_seconds());
        let list = |user: &str| {
            let user = Some(user.to_owned());
            answer(&front, OauthRequest::Grants { user, json: true, skip: 0 }).unwrap()
        };
        for by_token in [true, false] {
            let token = front.token(ada, "stream");
            let line: serde_json::Value = serde_json::from_str(&list("ada")[0]).unwrap();
            assert_eq!((&line["client"], &line["user"]), (&"app".into(), &"ada".into()));
            let named = if by_token { token.clone() } else { line["id"].as_str().unwrap().into() };
            answer(&front, OauthRequest::EndGrant { token: named }).unwrap();
            assert!(front.app.tokens().verify(&token, now).is_err() && list("ada").is_empty());
        }
        let token = front.token(ada, "stream");
        let jti = front.app.tokens().verify(&token, now).unwrap().jti;
        answer(&front, OauthRequest::EndGrant { token: jti }).unwrap();
        assert!(list("ada").is_empty() && list("grace").is_empty());
    }

    #[test]
    fn a_long_list_comes_in_parts() {
        let front = Front::new();
        for _ in 0..LISTED_AT_ONCE + 1 {
            front.token(&front.people.ada, "stream");
        }
        let part = |skip| answer(&front, OauthRequest::Grants { user: None, json: false, skip }).unwrap().len();
        assert_eq!((part(0), part(LISTED_AT_ONCE), part(2 * LISTED_AT_ONCE)), (LISTED_AT_ONCE, 1, 0));
    }
}
