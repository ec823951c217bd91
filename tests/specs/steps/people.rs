//! People: their logins, their streams, what they look for and are shown.

use cucumber::{given, then, when};
use oauth2::url::form_urlencoded;
use serde_json::{Value, json};
use widgetapp::{
    client::ConnectError,
    protocol::{Codec, action::Action},
};

use super::{Name, People};
use crate::{
    person::Person,
    scene::{Scene, until_async},
    web,
};

#[given(expr = "{people} has/have the Thing open")]
#[when(expr = "{people} opens/open the Thing")]
async fn has_open(scene: &mut Scene, names: People) {
    let url = scene.url();
    for name in names.0 {
        if !scene.people.contains_key(&name) {
            let mut person = Person::new(scene, &name);
            person.connect(&url, Codec::Json).await.unwrap_or_else(|error| panic!("{name} cannot stream: {error}"));
            scene.people.insert(name.clone(), person);
        }
        (scene.epoch, scene.offset) = scene.people[&name].open(&scene.thing).await;
    }
}

#[given(expr = "{people} is/are logged in")]
async fn logged_in(scene: &mut Scene, names: People) {
    for name in names.0 {
        let person = Person::new(scene, &name);
        scene.people.insert(name.to_string(), person);
    }
}

#[when(expr = "{person} tries to open a stream")]
#[when(expr = "{person} tries to work live")]
async fn tries_to_stream(scene: &mut Scene, name: Name) {
    let url = scene.url();
    let mut person = Person::new(scene, &name);
    let told = match person.connect(&url, Codec::Json).await {
        Ok(()) => Ok(Value::Null),
        Err(ConnectError::Refused(refusal)) => Err(refusal.name),
        Err(error) => Err(error.to_string()),
    };
    scene.told = Some(told);
    scene.people.insert(name.to_string(), person);
}

#[when(expr = "{person} tries to change the title to {string}")]
async fn tries_to_edit(scene: &mut Scene, name: Name, title: String) {
    let patch = json!([{"op": "replace", "path": "/meta/title", "value": title}]);
    let body = json!({"key": "try", "patch": patch});
    scene.told = Some(scene.person(&name).ask(Action::Edit, Some(&scene.thing), body).await);
}

#[when(expr = "{person} tries to delete the Thing")]
async fn tries_to_delete(scene: &mut Scene, name: Name) {
    scene.told = Some(scene.person(&name).ask(Action::Delete, Some(&scene.thing), json!({})).await);
}

#[when(expr = "{person} deletes the Thing")]
async fn deletes(scene: &mut Scene, name: Name) {
    scene.person(&name).client().delete(&scene.thing).await.expect("it may be deleted");
}

#[when(expr = "{person} searches for {string}")]
async fn searches(scene: &mut Scene, name: Name, text: String) {
    scene.told = Some(scene.person(&name).ask(Action::Search, None, json!({"q": text})).await);
}

#[when(expr = "{person} scrolls the home page")]
async fn scrolls(scene: &mut Scene, name: Name) {
    scene.told = Some(scene.person(&name).ask(Action::Scroll, None, json!({})).await);
}

#[when(expr = "{person} selects the Thing")]
async fn selects(scene: &mut Scene, name: Name) {
    scene.told = Some(scene.person(&name).ask(Action::Select, Some(&scene.thing), json!({})).await);
}

#[when(expr = "{person} creates the Thing {string}")]
async fn creates(scene: &mut Scene, name: Name, title: String) {
    let created = scene.person(&name).ask(Action::Create, None, json!({"title": title})).await;
    scene.thing = created.expect("it is made")["thing"].as_str().expect("it has an id").to_owned();
}

#[then(expr = "{word} finds {string}")]
async fn finds(scene: &mut Scene, _who: String, title: String) {
    assert!(titles(scene).contains(&title), "{:?}", titles(scene));
}

#[then(expr = "{word} finds nothing")]
async fn finds_nothing(scene: &mut Scene, _who: String) {
    assert_eq!(titles(scene), [""; 0]);
}

/// The titles of what was found.
fn titles(scene: &Scene) -> Vec<String> {
    let found = scene.told.clone().expect("somebody looked").expect("they were answered");
    let things = found["things"].as_array().expect("a list").iter();
    things.map(|thing| thing["title"].as_str().expect("a title").to_owned()).collect()
}

#[then(expr = "{word} is shown the Thing {string} as its {word}")]
async fn is_shown(scene: &mut Scene, _who: String, title: String, role: String) {
    let shown = scene.told.clone().expect("somebody looked").expect("they were answered");
    assert_eq!((&shown["title"], &shown["role"]), (&json!(title), &json!(role)));
}

#[then(expr = "{word} is told that {string}")]
async fn is_told(scene: &mut Scene, _who: String, what: String) {
    let told = scene.told.clone().expect("somebody tried");
    let told = told.expect_err("they were refused");
    assert!(told.contains(&what), "told instead: {told}");
}

#[then(expr = "{word} is told that live editing is not approved")]
async fn is_not_approved(scene: &mut Scene, _who: String) {
    assert_eq!(scene.told, Some(Err("group_not_approved".into())));
}

#[then(expr = "{word} is let in")]
async fn is_let_in(scene: &mut Scene, who: String) {
    assert_eq!(scene.told.as_ref().expect("somebody tried"), &Ok(Value::Null), "{who}");
}

#[when(expr = "{person} looks at the place {string} in the Thing")]
async fn looks_at(scene: &mut Scene, name: Name, place: String) {
    let person = scene.person(&name);
    person.client().look_at(&scene.thing, json!({"part": place})).await.expect("it may be looked at");
}

#[when(expr = "{person} refreshes the Thing")]
async fn refreshes(scene: &mut Scene, name: Name) {
    scene.person(&name).client().refresh(&scene.thing, None).await.expect("it may be refreshed");
}

#[then(expr = "{person} is shown that {person} looks at the place {string}")]
async fn shown_place(scene: &mut Scene, name: Name, other: Name, place: String) {
    let body = json!({"user": other.to_lowercase(), "view": {"part": place}});
    pushed(scene, &name, Action::Scroll, body).await;
}

#[then(expr = "{person} is shown that {person} has selected the Thing")]
async fn shown_selection(scene: &mut Scene, name: Name, other: Name) {
    pushed(scene, &name, Action::Select, json!({"user": other.to_lowercase()})).await;
}

#[then(expr = "{person} is shown that {person} has refreshed the Thing")]
async fn shown_refresh(scene: &mut Scene, name: Name, other: Name) {
    pushed(scene, &name, Action::Refresh, json!({"user": other.to_lowercase()})).await;
}

#[then(expr = "{person} is shown that {person} has deleted the Thing")]
async fn shown_deletion(scene: &mut Scene, name: Name, other: Name) {
    pushed(scene, &name, Action::Delete, json!({"user": other.to_lowercase()})).await;
}

async fn pushed(scene: &Scene, name: &str, action: Action, body: Value) {
    let shown = format!("{name} is shown {action} with {body}");
    let person = scene.person(name);
    person.sees(&shown, |screen| screen.pushed().any(|push| push.name == action.name() && push.body == body)).await;
}

#[when(expr = "someone who is not logged in asks for {string}")]
async fn stranger_asks(scene: &mut Scene, path: String) {
    scene.answer = Some(web::send(scene, "GET", &path, &[], None).await);
}

#[then("they are sent to the login")]
async fn sent_to_login(scene: &mut Scene) {
    let answer = scene.answer();
    assert!((300..400).contains(&answer.status), "{answer:?}");
    assert!(answer.header("location").starts_with("/login"), "{answer:?}");
}

#[then("they are told to log in")]
async fn told_to_log_in(scene: &mut Scene) {
    let answer = scene.answer();
    assert_eq!((answer.status, answer.json()["name"].clone()), (401, json!("not_logged_in")), "{answer:?}");
}

#[when(expr = "{person} logs in with a wrong password")]
async fn wrong_password(scene: &mut Scene, name: Name) {
    let body = json!({"username": name.to_lowercase(), "password": "not hers"}).to_string();
    let headers = [("content-type", "application/json".to_owned())];
    scene.answer = Some(web::send(scene, "POST", "/login", &headers, Some(body)).await);
}

#[then(expr = "{person} must wait before the next try, also with the right password")]
async fn must_wait(scene: &mut Scene, name: Name) {
    let answer = web::try_to_log_in(scene, &name, &[]).await;
    assert_eq!((answer.status, answer.json()["name"].clone()), (429, json!("too_many_requests")), "{answer:?}");
    let seconds: u64 = answer.header("retry-after").parse().expect("seconds");
    assert!((1..=60).contains(&seconds), "{answer:?}");
}

#[when(expr = "{person} fills in the login page")]
async fn fills_in(scene: &mut Scene, name: Name) {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("username", &name.to_lowercase()).append_pair("password", &web::password(scene, &name));
    let kind = [("content-type", "application/x-www-form-urlencoded".to_owned())];
    scene.answer = Some(web::send(scene, "POST", "/login", &kind, Some(form.finish())).await);
}

#[when(expr = "{person} tries to log in")]
async fn tries_to_log_in(scene: &mut Scene, name: Name) {
    scene.answer = Some(web::try_to_log_in(scene, &name, &[]).await);
}

#[then("nobody was let in")]
async fn not_let_in(scene: &mut Scene) {
    assert_eq!(scene.answer().header("set-cookie"), "");
}

#[then("the page tells her how long to wait")]
async fn told_how_long(scene: &mut Scene) {
    let answer = scene.answer();
    assert_eq!((answer.status, answer.header("content-type")), (429, "text/html; charset=utf-8"), "{answer:?}");
    let seconds: u64 = answer.header("retry-after").parse().expect("seconds");
    assert!((1..=60).contains(&seconds), "{answer:?}");
}

#[then(expr = "the login of {person} lasts {int} hour(s)")]
async fn login_lasts(scene: &mut Scene, name: Name, hours: u64) {
    let answer = web::try_to_log_in(scene, &name, &[]).await;
    let (_, age) = answer.header("set-cookie").split_once("Max-Age=").expect("a cookie with an age");
    let age: u64 = age.split(';').next().and_then(|age| age.parse().ok()).expect("seconds");
    let whole = hours * 60 * 60;
    assert!((whole - 60..=whole).contains(&age), "{answer:?}");
}

#[when(expr = "{person} logs out and asks for the home page")]
async fn logs_out(scene: &mut Scene, name: Name) {
    let headers = [("cookie", web::log_in(scene, &name).await)];
    assert_eq!(web::send(scene, "GET", "/", &headers, None).await.status, 200);
    web::send(scene, "POST", "/logout", &headers, None).await;
    scene.answer = Some(web::send(scene, "GET", "/", &headers, None).await);
}

#[then(expr = "{person} is not logged in")]
async fn not_logged_in(scene: &mut Scene, _name: Name) {
    let answer = scene.answer();
    assert_eq!((answer.status, answer.header("set-cookie")), (401, ""), "{answer:?}");
}

#[then(expr = "the home page shows {person} the role {string}")]
async fn home_page_shows_role(scene: &mut Scene, name: Name, role: String) {
    let headers = [("cookie", web::log_in(scene, &name).await)];
    let answer = web::send(scene, "GET", "/", &headers, None).await;
    assert!(answer.text.contains(&format!("<td>{role}</td>")), "{}", answer.text);
}

#[then(expr = "the home page lists {string} for {person}")]
async fn home_page_lists(scene: &mut Scene, title: String, name: Name) {
    let cookie = web::log_in(scene, &name).await;
    let headers = [("cookie", cookie)];
    until_async(&format!("the home page lists {title}"), async || {
        let answer = web::send(scene, "GET", "/", &headers, None).await;
        (answer.status == 200 && answer.text.contains(&title)).then_some(())
    })
    .await;
}
