//! JSON Schemas (2020-12) of the contract's types, for the documents that describe it. They keep to what earlier
//! drafts also say, so that more programs can read them.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::{
    ToSchema,
    openapi::{RefOr, Schema},
};

/// Fields of which a type has exactly one.
const EXACTLY_ONE: [(&str, &[&str]); 3] =
    [("Edit", &["patch", "update"]), ("EditPush", &["patch", "update"]), ("Opened", &["missed", "content", "update"])];

/// The schemas of a document, by name. They stand in its `components.schemas`.
#[derive(Debug, Default)]
pub struct Schemas(BTreeMap<String, Value>);

impl Schemas {
    /// A type that the server takes: fields that it does not know are ignored, null is like absent. Returns a
    /// reference to its schema.
    pub fn taken<T: ToSchema>(&mut self) -> Value {
        self.add::<T>(|_| ())
    }

    /// A type that the server sends: it has no other fields than these, and those without a value are absent. Returns
    /// a reference to its schema.
    pub fn sent<T: ToSchema>(&mut self) -> Value {
        self.add::<T>(close)
    }

    /// All of them.
    pub fn finish(self) -> Value {
        self.0.into_iter().collect()
    }

    fn add<T: ToSchema>(&mut self, finish: fn(&mut Value)) -> Value {
        let mut found = Vec::new();
        T::schemas(&mut found);
        found.push((T::name().into_owned(), T::schema()));
        for (name, schema) in found {
            let mut schema = serde_json::to_value(schema).expect("schemas are JSON");
            finish(&mut schema);
            if let Some((_, fields)) = EXACTLY_ONE.iter().find(|(one, _)| *one == name) {
                schema["oneOf"] = fields.iter().map(|field| json!({"required": [field]})).collect();
            }
            self.0.insert(name, schema);
        }
        reference::<T>()
    }
}

/// A reference to the schema of a type.
pub fn reference<T: ToSchema>() -> Value {
    json!({"$ref": format!("#/components/schemas/{}", T::name())})
}

/// The schema of a type that the server sends, of which only these fields occur, all of them.
///
/// # Panics
/// The type has no such field.
pub fn sent_only<T: ToSchema>(fields: &[&str]) -> Value {
    let mut schema = with_fields(T::schema(), fields);
    schema["required"] = json!(fields);
    close(&mut schema);
    schema
}

/// The schema of an object with only these of its fields; which of them are required is left to the caller.
///
/// # Panics
/// It has no such field.
pub fn with_fields(schema: RefOr<Schema>, fields: &[&str]) -> Value {
    let mut schema = serde_json::to_value(schema).expect("schemas are JSON");
    let properties = schema["properties"].as_object_mut().expect("it is an object");
    properties.retain(|name, _| fields.contains(&name.as_str()));
    assert_eq!(properties.len(), fields.len(), "there are not all of {fields:?}");
    json!({"type": "object", "properties": properties})
}

/// Forbids other fields, and null for fields that may be absent.
pub fn close(schema: &mut Value) {
    let Value::Object(fields) = schema else { return };
    if fields.get("type").is_some_and(|kind| kind == "object") {
        fields.entry("additionalProperties").or_insert(false.into());
    }
    let required = fields.get("required").cloned().unwrap_or_default();
    let is_required = |name: &String| required.as_array().is_some_and(|all| all.iter().any(|one| one == name));
    if let Some(Value::Object(properties)) = fields.get_mut("properties") {
        for (name, property) in properties {
            // What may be anything may be null.
            if !is_required(name) {
                forbid_null(property);
            }
        }
    }
}

fn forbid_null(property: &mut Value) {
    if let Some(Value::Array(types)) = property.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [kind] = &types[..] {
            property["type"] = kind.clone();
        }
    }
    if let Some(Value::Array(choices)) = property.get_mut("oneOf") {
        choices.retain(|choice| choice["type"] != "null");
        if let [only] = &choices[..] {
            *property = only.clone();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::action::{Edit, EditPush, Things};

    #[test]
    fn what_is_sent_is_closed_and_what_is_taken_is_open() {
        let mut schemas = Schemas::default();
        assert_eq!(schemas.taken::<Edit>(), json!({"$ref": "#/components/schemas/Edit"}));
        schemas.sent::<EditPush<'_>>();
        schemas.sent::<Things>();
        let all = schemas.finish();
        assert_eq!(all["Edit"]["additionalProperties"], Value::Null);
        assert_eq!(all["Edit"]["oneOf"], json!([{"required": ["patch"]}, {"required": ["update"]}]));
        assert_eq!(all["EditPush"]["additionalProperties"], false);
        assert_eq!(all["EditPush"]["properties"]["patch"]["$ref"], "#/components/schemas/JsonPatch");
        assert_eq!(all["Things"]["properties"]["next"]["type"], json!(["string", "null"]), "null on the last page");
        assert_eq!(all["Things"]["required"], json!(["things", "next"]));
    }
}
