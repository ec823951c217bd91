//! People before real browsers: where they go, what they press and type, and what they read.

use std::time::Duration;

use cucumber::{given, then, when};
use serde_json::{Value, json};
use widgetapp::protocol::action::Action;

use super::{Name, People};
use crate::{
    browser::{Browser, DESK, PHONE},
    examples::needs,
    person::Person,
    scene::Scene,
    web,
};

/// Writes down from now on what the page says of the connection.
const LISTEN: &str = "{
    const status = document.querySelector('#status');
    window.said = [status.textContent];
    new MutationObserver(() => window.said.push(status.textContent)).observe(status, { childList: true });
}";

/// Opens somebody's browser and logs in on the login page, if that has not been done yet.
pub(super) async fn logged_in<'a>(scene: &'a mut Scene, name: &str) -> &'a Browser {
    let (url, password) = (scene.url(), web::password(scene, name));
    let browser = scene.open_browser(name).await;
    browser.go(&url).await;
    if browser.evaluate("location.pathname === '/login'").await {
        logs_in(browser, name, &password).await;
    }
    browser
}

#[when(expr = "{person} logs in in another window of the browser of {person}")]
async fn logs_in_elsewhere(scene: &mut Scene, who: Name, whose: Name) {
    let password = web::password(scene, &who);
    logs_in_in_window(scene, &whose, &who, &password).await;
}

#[when(expr = "{person} logs out in another window")]
async fn logs_out_elsewhere(scene: &mut Scene, name: Name) {
    let address = scene.url();
    let browser = scene.open_browser(&name).await;
    let before = browser.open_window().await;
    browser.go(&address).await;
    browser.click("Log out").await;
    browser.wait("the login page is there", "location.pathname === '/login'").await;
    browser.close_window(before).await;
}

#[when(expr = "{person} logs in by the link of the page")]
async fn logs_in_by_link(scene: &mut Scene, name: Name) {
    let password = web::password(scene, &name);
    let browser = scene.browser(&name);
    browser.click("Log in").await;
    browser.wait("the login page is there", "location.pathname === '/login'").await;
    browser.fill("Name", &name.to_lowercase()).await;
    browser.fill("Password", &password).await;
    browser.press("Enter").await;
    thing_is_there(browser).await;
}

#[when(expr = "{person} logs in in another window, with the password that was printed")]
async fn logs_in_anew(scene: &mut Scene, name: Name) {
    let (_, out, _) = scene.command.as_ref().expect("a command was run");
    let password = out.lines().find_map(|line| line.strip_prefix("password: ")).expect("it was printed").to_owned();
    logs_in_in_window(scene, &name, &name, &password).await;
}

async fn logs_in_in_window(scene: &mut Scene, whose: &str, who: &str, password: &str) {
    let address = format!("{}/login", scene.url());
    let browser = scene.open_browser(whose).await;
    let before = browser.open_window().await;
    browser.go(&address).await;
    logs_in(browser, who, password).await;
    browser.close_window(before).await;
}

/// On the login page.
async fn logs_in(browser: &Browser, who: &str, password: &str) {
    browser.fill("Name", &who.to_lowercase()).await;
    browser.fill("Password", password).await;
    browser.press("Enter").await;
    browser.wait("the home page is there", "location.pathname === '/' && document.readyState === 'complete'").await;
}

#[given(expr = "{people} has/have the home page open in her/his/their browser(s)")]
async fn home_page(scene: &mut Scene, names: People) {
    for name in names.0 {
        logged_in(scene, &name).await;
    }
}

#[given(expr = "{people} has/have the Thing open in her/his/their browser(s)")]
#[when(expr = "{people} opens/open the Thing in her/his/their browser(s)")]
async fn thing_open(scene: &mut Scene, names: People) {
    for name in names.0 {
        let address = format!("{}/things/{}", scene.url(), scene.thing);
        let browser = logged_in(scene, &name).await;
        browser.go(&address).await;
        thing_is_there(browser).await;
    }
}

#[when(expr = "{person} goes to the Thing in her/his browser")]
async fn goes_to_thing(scene: &mut Scene, name: Name) {
    let path = format!("/things/{}", scene.thing);
    goes(scene, name, path).await;
}

/// Waits for the editor.
pub(super) async fn thing_is_there(browser: &Browser) {
    let ready = "document.querySelector('#editor')?.dataset.ready === 'true'";
    let told = "!/^(Opening|Reconnecting)/.test(document.querySelector('#status').textContent)";
    browser.wait("the Thing is there", &format!("{ready} && {told}")).await;
    browser.evaluate::<Value>(LISTEN).await;
}

#[when(expr = "{person} makes the Thing {string} in her/his browser")]
async fn makes(scene: &mut Scene, name: Name, title: String) {
    let browser = logged_in(scene, &name).await;
    browser.fill("New Thing", &title).await;
    browser.press("Enter").await;
    thing_is_there(browser).await;
    scene.thing = scene.browser(&name).evaluate("location.pathname.split('/').at(-1)").await;
}

#[when(expr = "{person} goes from the home page to {string}")]
async fn goes_to(scene: &mut Scene, name: Name, title: String) {
    let browser = scene.browser(&name);
    browser.click(&title).await;
    thing_is_there(browser).await;
}

#[when(expr = "{person} goes to {string} in her/his browser")]
async fn goes(scene: &mut Scene, name: Name, path: String) {
    let address = format!("{}{path}", scene.url());
    logged_in(scene, &name).await.go(&address).await;
}

#[given(expr = "{person} has the login page open in her/his browser")]
async fn login_page(scene: &mut Scene, name: Name) {
    let address = format!("{}/login", scene.url());
    scene.open_browser(&name).await.go(&address).await;
}

#[when(expr = "{string} sends {person} here in her/his browser, for {string}")]
async fn sends_here(scene: &mut Scene, application: String, name: Name, scopes: String) {
    let path = scene.application(&application).request(&scopes, &[]);
    goes(scene, name, path).await;
}

#[when(expr = "{person} presses {string}")]
async fn presses(scene: &mut Scene, name: Name, button: String) {
    scene.browser(&name).click(&button).await;
}

#[when(expr = "{person} presses the key(s) {string}")]
async fn presses_keys(scene: &mut Scene, name: Name, keys: String) {
    for key in keys.split(", ") {
        scene.browser(&name).press(key).await;
    }
}

#[when(expr = "{person} types {string} into {string}")]
async fn types(scene: &mut Scene, name: Name, text: String, field: String) {
    scene.browser(&name).fill(&field, &text).await;
}

#[when(expr = "{person} reloads the page")]
async fn reloads(scene: &mut Scene, name: Name) {
    scene.browser(&name).reload().await;
}

#[when(expr = "{person} closes the page")]
async fn closes(scene: &mut Scene, name: Name) {
    scene.open_browser(&name).await.close_page().await;
}

#[when(expr = "the network of {people} is cut")]
async fn network_cut(scene: &mut Scene, names: People) {
    for name in names.0 {
        scene.browser(&name).network(false).await;
    }
}

#[when(expr = "the network of {people} is there again")]
async fn network_mended(scene: &mut Scene, names: People) {
    for name in names.0 {
        scene.browser(&name).network(true).await;
    }
}

#[when(expr = "the network of {people} is there again, {int} seconds after it was cut")]
async fn network_mended_later(scene: &mut Scene, names: People, seconds: u64) {
    for name in names.0 {
        let browser = scene.browser(&name);
        browser.offline_for(Duration::from_secs(seconds)).await;
        browser.network(true).await;
    }
}

#[then(expr = "the page of {person} says {string}")]
async fn page_says(scene: &mut Scene, name: Name, text: String) {
    let what = format!("the page says {text:?}");
    scene.browser(&name).wait(&what, &format!("document.body.innerText.includes({})", json!(text))).await;
}

#[then(expr = "the page of {person} does not say {string}")]
async fn page_does_not_say(scene: &mut Scene, name: Name, text: String) {
    let script = format!("document.body.innerText.includes({})", json!(text));
    assert!(!scene.browser(&name).evaluate::<bool>(&script).await, "it says {text:?}");
}

#[then(expr = "the page of {person} says {string} no more")]
async fn page_says_no_more(scene: &mut Scene, name: Name, text: String) {
    let what = format!("the page does not say {text:?}");
    scene.browser(&name).wait(&what, &format!("!document.body.innerText.includes({})", json!(text))).await;
}

#[then(expr = "{people} has/have noticed nothing of it")]
async fn noticed_nothing(scene: &mut Scene, names: People) {
    for name in names.0 {
        let said: Vec<String> = scene.browser(&name).evaluate("window.said").await;
        assert!(said.iter().all(|text| text.starts_with("Live")), "{name} was told: {said:?}");
    }
}

#[then(expr = "{person} was asked before the page was left")]
async fn was_asked(scene: &mut Scene, name: Name) {
    assert_eq!(scene.browser(&name).questions(), ["beforeunload"]);
}

#[then(expr = "the list of {person} has {int} Things")]
async fn list_has(scene: &mut Scene, name: Name, count: usize) {
    let what = format!("{count} Things in the list");
    scene
        .browser(&name)
        .wait(&what, &format!("document.querySelectorAll('#things tbody tr').length === {count}"))
        .await;
}

#[then(expr = "the list of {person} is/shows {string}")]
async fn list_is(scene: &mut Scene, name: Name, titles: String) {
    let shown = "[...document.querySelectorAll('#things tbody a')].map((link) => link.textContent).join(', ')";
    let what = format!("the list shows {titles:?}");
    scene.browser(&name).wait(&what, &format!("{shown} === {}", json!(titles))).await;
}

#[then(expr = "the list of {person} tells each time as her/his language has it")]
async fn list_times(scene: &mut Scene, name: Name) {
    let told = "[...document.querySelectorAll('#things tbody tr')].map((row) => {
        const time = row.querySelector('time');
        const format = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
        return [time.textContent, format.format(new Date(time.dateTime))];
    })";
    let times: Vec<(String, String)> = scene.browser(&name).evaluate(told).await;
    assert!(!times.is_empty() && times.iter().all(|(shown, meant)| shown == meant), "{times:?}");
}

#[when(expr = "{person} scrolls to the end of the list")]
async fn scrolls(scene: &mut Scene, name: Name) {
    let script = "scrollTo(0, document.body.scrollHeight), document.querySelector('#more').hidden";
    scene.browser(&name).wait("the end of the list", script).await;
}

#[given(expr = "{person} has made {int} Things")]
async fn has_made(scene: &mut Scene, name: Name, count: usize) {
    let person = Person::new(scene, &name);
    for number in 1..=count {
        let made = person.ask(Action::Create, None, json!({"title": format!("Thing {number}")})).await;
        made.expect("it is made");
    }
}

#[when(expr = "{person} has but a telephone")]
async fn telephone(scene: &mut Scene, name: Name) {
    let browser = scene.browser(&name);
    browser.resize(PHONE).await;
    browser.click("Show all").await;
}

#[then(expr = "axe finds nothing wrong with the page of {person}, light or dark, on a desk or on a phone")]
async fn axe(scene: &mut Scene, name: Name) {
    needs::check(&["axe-core".to_owned()]).await;
    let package = needs::node_path().expect("it is needed").into_string().expect("a path");
    let script = std::fs::read_to_string(format!("{package}/axe-core/axe.min.js")).expect("the package is whole");
    let browser = scene.browser(&name);
    browser.evaluate::<Value>(&format!("{script}; true")).await;
    let mut faults = Vec::new();
    for (scheme, size) in [("light", DESK), ("dark", DESK), ("light", PHONE), ("dark", PHONE)] {
        browser.prefer(scheme).await;
        browser.resize(size).await;
        browser.frame().await;
        let found: Vec<String> = browser.evaluate(AXE).await;
        faults.extend(found.into_iter().map(|fault| format!("{scheme}, {size:?}: {fault}")));
        if browser.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth").await {
            faults.push(format!("{size:?}: the page has to be scrolled sideways"));
        }
    }
    browser.resize(DESK).await;
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[then(expr = "the page of {person} has loaded less than {int} KB")]
async fn has_loaded(scene: &mut Scene, name: Name, most: u64) {
    let script = "[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
        .reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0)";
    let bytes: u64 = scene.browser(&name).evaluate(script).await;
    assert!(bytes > 0 && bytes < most * 1000, "{bytes} bytes");
}

/// What axe finds, a line each: the rule, what it says, and where.
const AXE: &str = "axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations.flatMap(
    ({ id, help, nodes }) => nodes.map(({ html }) => `${id}: ${help}: ${html.slice(0, 160)}`)))";

/// The folder of the guide's pictures.
const PICTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/book/src/user/");

/// Compared by their sizes alone: no two machines draw letters alike. `SNAPSHOTS=overwrite` writes what there is.
#[then(expr = "the guide shows the page of {person} as {string}")]
async fn picture(scene: &mut Scene, name: Name, file: String) {
    let (path, browser) = (format!("{PICTURES}{file}"), scene.browser(&name));
    browser.frame().await;
    let picture = browser.picture().await;
    if std::env::var_os("SNAPSHOTS").is_some_and(|value| value == "overwrite") {
        std::fs::write(&path, &picture).expect("it can be written");
    }
    let shown = std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    assert_eq!(size(&shown), size(&picture), "{path}");
}

/// Width and height, from the first chunk (PNG, 11.2.1).
fn size(png: &[u8]) -> &[u8] {
    &png[16..24]
}
