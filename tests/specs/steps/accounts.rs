//! People and applications who have another name now, or are gone.

use cucumber::{then, when};
use serde_json::json;

use super::{Name, sharing::log_in};
use crate::{scene::Scene, web};

#[then(expr = "{string} can log in with the password of {person}")]
async fn logs_in_as_before(scene: &mut Scene, name: String, before: Name) {
    let password = web::password(scene, &before);
    assert_eq!(log_in(scene, &name, &password).await.status, 200);
}

#[when(expr = "{string} shows the name {string} from now on")]
async fn shows_name(scene: &mut Scene, application: String, name: String) {
    scene.application(&application).id = name;
}

#[then(expr = "the new {string} has no Things")]
async fn has_nothing(scene: &mut Scene, name: String) {
    let (_, printed, _) = scene.command.clone().expect("they were added");
    let password = printed.lines().find_map(|line| line.strip_prefix("password: ")).expect("it was printed");
    let answer = log_in(scene, &name, password).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let cookie = answer.header("set-cookie").split(';').next().unwrap_or_default().to_owned();
    let listed = web::send(scene, "GET", "/_ajax/scroll", &[("cookie", cookie.clone())], None).await;
    assert_eq!(listed.json()["things"], json!([]));
    scene.cookies.insert(name, cookie);
}

#[when(expr = "the new {string} undoes the last change that is hers")]
async fn undoes(scene: &mut Scene, name: String) {
    let headers = [("cookie", scene.cookies[&name].clone()), ("content-type", "application/json".to_owned())];
    let body = json!({"thing": scene.thing}).to_string();
    scene.answer = Some(web::send(scene, "POST", "/_ajax/undo", &headers, Some(body)).await);
}
