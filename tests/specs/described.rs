//! Whether what goes over the wire is what the guides describe: the committed OpenAPI document for HTTP, the committed
//! AsyncAPI document for streams. What they do not describe must not happen.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use jsonschema::Validator;
use serde_json::Value;

use crate::web::Answer;

static OPENAPI: LazyLock<Document> = LazyLock::new(|| Document::read("openapi.json"));
static ASYNCAPI: LazyLock<Document> = LazyLock::new(|| Document::read("asyncapi.json"));

/// A request by HTTP, as it was sent.
pub struct Request<'a> {
    pub method: &'a str,
    /// With its query.
    pub path: &'a str,
    pub content_type: &'a str,
    pub body: Option<&'a str>,
}

/// Checks an exchange by HTTP: the answer, and the request too if it was taken.
pub fn exchange(request: &Request<'_>, answer: &Answer) -> Result<(), String> {
    let (path, query) = request.path.split_once('?').unwrap_or((request.path, ""));
    if path.starts_with("/guide/") {
        // Files in folders of any depth, for which OpenAPI has no template.
        return Ok(());
    }
    let method = request.method.to_ascii_lowercase();
    let paths = OPENAPI.text["paths"].as_object().expect("paths");
    let place = match paths.keys().find(|template| fits(template, path)) {
        None if answer.status == 404 => return OPENAPI.check("/components/schemas/Problem", &answer.json()),
        None => return Err(OPENAPI.lacks("/paths", path)),
        Some(template) => format!("/paths/{}", escaped(template)),
    };
    let operation = match OPENAPI.text.pointer(&format!("{place}/{method}")) {
        None if answer.status == 405 => return OPENAPI.check("/components/schemas/Problem", &answer.json()),
        None => return Err(OPENAPI.lacks(&place, &method)),
        Some(operation) => operation,
    };
    let place = format!("{place}/{method}");
    if answer.status < 400 {
        taken(&place, operation, request, query)?;
    }
    let status = answer.status.to_string();
    let Some(response) = operation["responses"].get(&status) else {
        return Err(OPENAPI.lacks(&format!("{place}/responses"), &format!("{status}: {}", answer.text)));
    };
    let place = format!("{place}/responses/{status}");
    match response.get("content") {
        None if answer.text.is_empty() => Ok(()),
        None => Err(OPENAPI.lacks(&place, &format!("body: {}", answer.text))),
        Some(content) => OPENAPI.check_content(&place, content, answer.header("content-type"), &answer.text),
    }
}

/// Checks the query and the body of a request that was taken.
fn taken(place: &str, operation: &Value, request: &Request<'_>, query: &str) -> Result<(), String> {
    for field in query.split('&').filter(|field| !field.is_empty()) {
        let name = field.split('=').next().unwrap_or_default();
        let described = |parameter: &Value| parameter["in"] == "query" && parameter["name"] == name;
        if !operation["parameters"].as_array().is_some_and(|all| all.iter().any(described)) {
            return Err(OPENAPI.lacks(&format!("{place}/parameters"), name));
        }
    }
    match (&operation["requestBody"]["content"], request.body) {
        (Value::Null, Some(body)) => Err(OPENAPI.lacks(place, &format!("requestBody: {body}"))),
        (Value::Null, None) => Ok(()),
        (content, body) => {
            let place = format!("{place}/requestBody");
            OPENAPI.check_content(&place, content, request.content_type, body.unwrap_or_default())
        }
    }
}

/// Checks a message of the server; byte strings are base64 text in it, also if it came as CBOR.
pub fn told(message: &Value) -> Result<(), String> {
    let kind = if message.get("error").is_some() {
        return ASYNCAPI.check("/components/messages/error/payload", message);
    } else if message.get("id").is_some() {
        "reply"
    } else {
        "push"
    };
    ASYNCAPI.check_message(kind, message)
}

/// Checks a request of a client that was answered without an error.
pub fn asked(message: &Value) -> Result<(), String> {
    ASYNCAPI.check_message("request", message)
}

/// What the guides have under this name.
pub fn published(name: &str) -> Value {
    Document::read(name).text
}

/// One of the two documents.
struct Document {
    name: String,
    text: Value,
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

impl Document {
    fn read(name: &str) -> Self {
        let path = format!("{}/book/src/api/{name}", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let text = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
        Self { name: name.to_owned(), text, validators: Mutex::default() }
    }

    fn lacks(&self, place: &str, what: &str) -> String {
        format!("{} does not describe this, at {place}: {what}", self.name)
    }

    /// Checks a message against the one of this kind with its port and name.
    fn check_message(&self, kind: &str, message: &Value) -> Result<(), String> {
        let messages = self.text["components"]["messages"].as_object().expect("messages");
        let is_it = |key: &str, described: &Value| {
            let fields = &described["payload"]["properties"];
            let same = |field: &str| fields[field]["const"] == message[field];
            key.rsplit_once('_').is_some_and(|(_, of)| of == kind) && same("port") && same("name")
        };
        match messages.iter().find(|(key, described)| is_it(key, described)) {
            Some((key, _)) => self.check(&format!("/components/messages/{key}/payload"), message),
            None => Err(self.lacks("/components/messages", &format!("{kind} {message}"))),
        }
    }

    /// Checks a body against the description of its media type.
    fn check_content(&self, place: &str, content: &Value, kind: &str, body: &str) -> Result<(), String> {
        if content.get(kind).is_none() {
            return Err(self.lacks(&format!("{place}/content"), &format!("{kind:?}: {body}")));
        }
        let place = format!("{place}/content/{}/schema", escaped(kind));
        let value = match kind {
            "application/x-www-form-urlencoded" => form(body),
            kind if kind.ends_with("json") => {
                serde_json::from_str(body).map_err(|error| format!("{kind} is announced, but {error}: {body}"))?
            }
            _ => body.into(),
        };
        self.check(&place, &value)
    }

    /// Checks a value against the schema at this place.
    fn check(&self, place: &str, value: &Value) -> Result<(), String> {
        let found: Vec<String> = self
            .validator(place)
            .iter_errors(value)
            .map(|error| format!("  at {}/: {error}", error.instance_path().as_str()))
            .collect();
        if found.is_empty() {
            return Ok(());
        }
        Err(format!("this is not as {} describes it at {place}:\n  {value}\n{}", self.name, found.join("\n")))
    }

    fn validator(&self, place: &str) -> Arc<Validator> {
        let mut validators = self.validators.lock().unwrap_or_else(PoisonError::into_inner);
        let compile = || {
            let mut schema = self.text.pointer(place).cloned().unwrap_or_default();
            // What it refers to.
            schema["components"] = self.text["components"].clone();
            let compiled = jsonschema::options().should_validate_formats(true).build(&schema);
            Arc::new(compiled.unwrap_or_else(|error| panic!("{} at {place}: {error}", self.name)))
        };
        validators.entry(place.to_owned()).or_insert_with(compile).clone()
    }
}

/// Whether a path is of this template.
fn fits(template: &str, path: &str) -> bool {
    let same = |(one, other): (&str, &str)| one == other || one.starts_with('{');
    template.split('/').count() == path.split('/').count() && template.split('/').zip(path.split('/')).all(same)
}

/// A key as a part of a JSON Pointer.
fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn form(body: &str) -> Value {
    let fields = body.split('&').filter_map(|field| field.split_once('='));
    fields.map(|(name, value)| (name.to_owned(), Value::from(value.replace('+', " ")))).collect()
}
