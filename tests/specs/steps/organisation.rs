//! The page of an organisation's administrators.

use cucumber::{then, when};
use serde_json::json;

use super::{Kind, Name};
use crate::{scene::Scene, web};

#[then(expr = "the table {string} of {person} shows {string}")]
async fn table_shows(scene: &mut Scene, table: String, name: Name, row: String) {
    let words = "(row) => [...row.cells].map((cell) => cell.innerText.trim()).filter(Boolean).join(' ')";
    let script = format!(
        "[...document.querySelectorAll('#{table} tbody tr')].map({words}).some((row) => row.includes({}))",
        json!(row)
    );
    scene.browser(&name).wait(&format!("a row {row:?}"), &script).await;
}

#[then(expr = "the chart of the {kind} grows on the page of {person}")]
async fn chart_grows(scene: &mut Scene, kind: Kind, name: Name) {
    let points = format!(
        "[...document.querySelectorAll('#processes tbody tr')].find((row) => row.cells[0].innerText.startsWith('{kind}'))
            ?.querySelector('polyline')?.getAttribute('points').split(' ').length"
    );
    scene.browser(&name).wait("a chart with three points", &format!("({points} ?? 0) >= 3")).await;
}

#[when(expr = "{person} approves {string} by a request of her own")]
async fn approves(scene: &mut Scene, name: Name, group: String) {
    let origin = scene.product().url().to_owned();
    approve(scene, &name, &group, origin).await;
}

#[when(expr = "a page of {string} approves {string} for {person}")]
async fn another_site_approves(scene: &mut Scene, origin: String, group: String, name: Name) {
    approve(scene, &name, &group, origin).await;
}

async fn approve(scene: &mut Scene, name: &str, group: &str, origin: String) {
    let kind = "application/x-www-form-urlencoded".to_owned();
    let headers = [("cookie", web::log_in(scene, name).await), ("content-type", kind), ("origin", origin)];
    let form = format!("group={group}&approved=true");
    scene.answer = Some(web::send(scene, "POST", "/admin", &headers, Some(form)).await);
}
