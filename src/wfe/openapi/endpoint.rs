//! One endpoint as OpenAPI describes it.

use std::collections::BTreeMap;

use http::StatusCode;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::{
    access::Scope,
    protocol::{
        ErrorCode,
        schemas::{self, Schemas},
    },
    wfe::problem::{Document as Problem, status_of},
};

/// A method of a path: what it takes and every answer that it gives.
pub(super) struct Endpoint {
    pub path: &'static str,
    pub method: &'static str,
    /// The codes with which it may refuse.
    pub refusals: Vec<ErrorCode>,
    operation: Map<String, Value>,
    parameters: Vec<Value>,
    responses: BTreeMap<u16, Value>,
    /// Put the schemas of the types that it names into the document.
    types: Vec<fn(&mut Schemas) -> Value>,
}

/// How a caller may say who they are; one of these suffices.
#[derive(Clone, Copy)]
pub(super) enum By {
    /// An access token with this scope.
    Token(Scope),
    /// An access token as a subprotocol entry.
    Subprotocol,
    /// The login cookie.
    Cookie,
    /// A user's name and password.
    Password,
    /// A client's id and secret.
    ClientSecret,
    /// Nobody asks.
    Nobody,
}

impl Endpoint {
    /// `id` names it in the document; it belongs to the guides' part `tag`.
    pub fn new(method: &'static str, path: &'static str, id: &str, tag: &str) -> Self {
        let operation = json!({"operationId": id, "tags": [tag]});
        let operation = operation.as_object().cloned().unwrap_or_default();
        Self {
            path,
            method,
            refusals: vec![ErrorCode::Internal],
            operation,
            parameters: Vec::new(),
            responses: BTreeMap::new(),
            types: Vec::new(),
        }
    }

    pub fn says(mut self, summary: &str, description: &str) -> Self {
        self.operation.insert("summary".into(), summary.into());
        self.operation.insert("description".into(), description.into());
        self
    }

    /// Who may call it.
    pub fn by(mut self, ways: &[By]) -> Self {
        let requirement = |way: &By| match way {
            By::Token(scope) => json!({"accessToken": [scope.name()]}),
            By::Subprotocol => json!({"subprotocolToken": []}),
            By::Cookie => json!({"loginCookie": []}),
            By::Password => json!({"password": []}),
            By::ClientSecret => json!({"clientSecret": []}),
            By::Nobody => json!({}),
        };
        let ways: Value = match ways {
            [By::Nobody] => json!([]),
            ways => ways.iter().map(requirement).collect(),
        };
        self.operation.insert("security".into(), ways);
        self
    }

    /// A parameter in the query, which is text.
    pub fn query(self, name: &str, required: bool, description: &str) -> Self {
        self.parameter(json!({"name": name, "in": "query", "required": required, "description": description,
            "schema": {"type": "string"}}))
    }

    /// The fields of a type as parameters in the query.
    pub fn query_of<T: ToSchema>(mut self) -> Self {
        let schema = json!(T::schema());
        let required = |name: &String| schema["required"].as_array().is_some_and(|all| all.contains(&json!(name)));
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            let mut parameter = json!({"name": name, "in": "query", "required": required(name),
                "description": field["description"]});
            match field["type"].as_str().or_else(|| field["type"][0].as_str()) {
                Some(kind) => parameter["schema"] = json!({"type": kind}),
                // What may be anything is written as JSON.
                None => parameter["content"] = json!({"application/json": {"schema": {}}}),
            }
            self.parameters.push(parameter);
        }
        self
    }

    pub fn parameter(mut self, parameter: Value) -> Self {
        self.parameters.push(parameter);
        self
    }

    /// Names a type's schema.
    pub fn uses(mut self, add: fn(&mut Schemas) -> Value) -> Self {
        self.types.push(add);
        self
    }

    /// Takes a JSON body of this type.
    pub fn takes<T: ToSchema>(self) -> Self {
        self.uses(Schemas::taken::<T>).takes_either(&[("application/json", schemas::reference::<T>())])
    }

    /// Takes a body with one of these media types.
    pub fn takes_either(mut self, kinds: &[(&str, Value)]) -> Self {
        let content: Map<String, Value> =
            kinds.iter().map(|(kind, schema)| ((*kind).to_owned(), json!({"schema": schema}))).collect();
        self.operation.insert("requestBody".into(), json!({"required": true, "content": content}));
        self.refuses(&[ErrorCode::BadRequest, ErrorCode::TooLarge, ErrorCode::TooSlow])
    }

    /// Answers with JSON of this type.
    pub fn answers<T: ToSchema>(self, status: u16, description: &str) -> Self {
        self.uses(Schemas::sent::<T>).answers_with(status, description, "application/json", schemas::reference::<T>())
    }

    /// Answers with this media type.
    pub fn answers_with(mut self, status: u16, description: &str, kind: &str, schema: Value) -> Self {
        let response = self.response(status, description);
        response["content"][kind] = json!({"schema": schema});
        self
    }

    /// Answers with a page for people.
    pub fn answers_page(self, status: u16, description: &str) -> Self {
        self.answers_with(status, description, "text/html; charset=utf-8", json!({"type": "string"}))
    }

    /// Answers without a body.
    pub fn answers_bare(mut self, status: u16, description: &str) -> Self {
        self.response(status, description);
        self
    }

    /// Its answers of this status have this header.
    pub fn with_header(mut self, status: u16, name: &str, description: &str) -> Self {
        let header = json!({"description": description, "schema": {"type": "string"}});
        self.response(status, description)["headers"][name] = header;
        self
    }

    /// The same endpoint, which may also refuse with these codes.
    pub fn refuses(mut self, codes: &[ErrorCode]) -> Self {
        self.refusals.extend(codes);
        self
    }

    /// Its answer of this status so far.
    fn response(&mut self, status: u16, description: &str) -> &mut Value {
        self.responses.entry(status).or_insert_with(|| json!({"description": description}))
    }

    /// OpenAPI's Operation Object.
    pub fn describe(mut self, schemas: &mut Schemas) -> Value {
        self.describe_refusals();
        for add in &self.types {
            add(schemas);
        }
        let responses: Map<String, Value> =
            self.responses.into_iter().map(|(status, response)| (status.to_string(), response)).collect();
        if !self.parameters.is_empty() {
            self.operation.insert("parameters".into(), self.parameters.into());
        }
        self.operation.insert("responses".into(), responses.into());
        self.operation.into()
    }

    /// The codes of one status are one answer.
    fn describe_refusals(&mut self) {
        self.refusals.sort_unstable_by_key(|code| code.number());
        self.refusals.dedup();
        self.types.push(Schemas::sent::<Problem>);
        let mut by_status: BTreeMap<u16, Vec<ErrorCode>> = BTreeMap::new();
        for code in &self.refusals {
            by_status.entry(status_of(*code).as_u16()).or_default().push(*code);
        }
        for (status, codes) in by_status {
            let names: Vec<&str> = codes.iter().map(|code| code.name()).collect();
            let numbers: Vec<u16> = codes.iter().map(|code| code.number()).collect();
            let lines = codes.iter().map(|code| format!("`{}` ({}): {}", code.name(), code.number(), code.message()));
            let description = lines.collect::<Vec<_>>().join("; ");
            let examples: Map<String, Value> =
                names.iter().map(|name| ((*name).to_owned(), reference("examples", name))).collect();
            let schema = json!({"allOf": [
                schemas::reference::<Problem>(),
                {"properties": {"code": {"enum": numbers}, "name": {"enum": names}}},
            ]});
            let response = self.responses.entry(status).or_insert_with(|| json!({"description": ""}));
            let before = response["description"].as_str().unwrap_or_default();
            let also = if before.is_empty() { description } else { format!("{before} Or {description}") };
            response["description"] = also.into();
            response["content"]["application/problem+json"] = json!({"schema": schema, "examples": examples});
            if let Some((name, header)) = headers_of(status) {
                response["headers"][name] = header;
            }
        }
    }
}

/// What refusals with this status may say beside their body.
fn headers_of(status: u16) -> Option<(&'static str, Value)> {
    let header = |description: &str| json!({"description": description, "schema": {"type": "string"}});
    match StatusCode::from_u16(status).ok()? {
        StatusCode::UNAUTHORIZED => Some(("WWW-Authenticate", header("How to say who you are."))),
        StatusCode::UPGRADE_REQUIRED => Some(("Upgrade", header("`websocket`."))),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            Some(("Retry-After", header("How long to wait, in seconds, if that is known.")))
        }
        _ => None,
    }
}

/// A reference to something among the components.
pub(super) fn reference(kind: &str, name: &str) -> Value {
    json!({"$ref": format!("#/components/{kind}/{name}")})
}
