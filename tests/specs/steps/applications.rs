//! Applications in browsers, and the page on which people see those that work for them.

use cucumber::{given, when};

use super::{Name, authorisation::register};
use crate::{scene::Scene, web};

const PAGE: &str = "/account/applications";

#[given(expr = "the application {string} is registered for {string} as {string}")]
async fn registered_as(scene: &mut Scene, name: String, scopes: String, shown: String) {
    register(scene, &name, &scopes, &["-display-name", &shown]).await;
}

#[when(expr = "{person} looks at her applications")]
async fn looks(scene: &mut Scene, name: Name) {
    let headers = [("cookie", web::log_in(scene, &name).await)];
    scene.answer = Some(web::send(scene, "GET", PAGE, &headers, None).await);
}

#[when(expr = "{person} ends {string} there")]
async fn ends(scene: &mut Scene, name: Name, application: String) {
    let origin = scene.product().url().to_owned();
    press(scene, &name, &application, origin).await;
    assert_eq!((scene.answer().status, scene.answer().header("location")), (303, PAGE));
}

#[when(expr = "a page of {string} ends {string} for {person}")]
async fn another_site_ends(scene: &mut Scene, origin: String, application: String, name: Name) {
    press(scene, &name, &application, origin).await;
}

async fn press(scene: &mut Scene, name: &str, application: &str, origin: String) {
    let kind = "application/x-www-form-urlencoded".to_owned();
    let headers = [("cookie", web::log_in(scene, name).await), ("content-type", kind), ("origin", origin)];
    scene.answer = Some(web::send(scene, "POST", PAGE, &headers, Some(format!("client={application}"))).await);
}

#[when(expr = "a page of {string} fetches {string}")]
async fn page_fetches(scene: &mut Scene, origin: String, address: String) {
    let headers = [("cookie", web::log_in(scene, "Ada").await), ("origin", origin)];
    scene.answer = Some(web::send(scene, "GET", &address, &headers, None).await);
}

#[when(expr = "a page of {string} exchanges the code of {string}")]
async fn page_exchanges(scene: &mut Scene, origin: String, application: String) {
    let application = scene.application(&application).clone();
    let form = format!("{}&client_id={}", application.exchange(), application.id);
    let headers = [("content-type", "application/x-www-form-urlencoded".to_owned()), ("origin", origin)];
    scene.answer = Some(web::send(scene, "POST", "/oauth/token", &headers, Some(form)).await);
}
