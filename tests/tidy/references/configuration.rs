//! The page of all settings, from the types that read them: what stands there is what the program knows.

use std::{collections::BTreeMap, fmt::Write as _};

use serde_json::{Value, json};
use utoipa::{
    PartialSchema as _, ToSchema as _,
    openapi::{RefOr, Schema},
};
use widgetapp::config::{Config, Sources};

/// The page as it should be.
pub(super) fn page() -> String {
    let mut page = String::from(
        "# All settings\n\n\
         This page is made from the program's own types.\n\n\
         Settings are read from a file in TOML, `widgetapp.toml` in the current directory or the one that \
         `--config FILE` names; over it from the environment variables that stand here; over both from the \
         [options of the command](commands.md#widgetapp-serve). A key that does not exist is an error which names it. \
         The server reads its settings when it starts, and again at [an upgrade](upgrading.md#settings): \
         `widgetapp_admin -upgrade`, or SIGHUP.\n\n\
         A list in an environment variable is written `[\"one\", \"two\"]`; a list of one may be written as its \
         one value.\n",
    );
    for section in sections() {
        write!(page, "\n## `[{}]`\n\n{}\n\n", section.name, section.about).expect("text takes all text");
        page += "| key | type | default | unit | what it means | environment variable |\n|---|---|---|---|---|---|\n";
        for setting in &section.settings {
            let Setting { key, kind, default, about, .. } = setting;
            let (unit, variable) = (unit(key), variable(section.name.as_str(), key));
            writeln!(page, "| `{key}` | {kind} | {default} | {unit} | {about} | `{variable}` |").expect("as above");
        }
    }
    page
}

struct Section {
    name: String,
    about: String,
    settings: Vec<Setting>,
}

struct Setting {
    key: String,
    kind: String,
    default: String,
    about: String,
    least: Option<u64>,
    most: Option<u64>,
}

fn sections() -> Vec<Section> {
    let mut types = Vec::new();
    Config::schemas(&mut types);
    let types: BTreeMap<String, RefOr<Schema>> = types.into_iter().collect();
    let (config, defaults) = (Config::schema(), json!(Config::default()));
    let section =
        |(name, schema): (&String, &RefOr<Schema>)| section(&types, name.clone(), &json!(schema), &defaults[name]);
    fields(&config).into_iter().flat_map(section).collect()
}

/// A section, and those that are in it.
fn section(types: &BTreeMap<String, RefOr<Schema>>, name: String, schema: &Value, defaults: &Value) -> Vec<Section> {
    let described = &types[type_of(schema)];
    let about = text(&json!(described));
    let mut all = vec![Section { name, about, settings: Vec::new() }];
    for (key, schema) in fields(described) {
        let schema = json!(schema);
        if types.get(type_of(&schema)).is_some_and(|of| json!(of)["properties"].is_object()) {
            let name = format!("{}.{key}", all[0].name);
            all.extend(section(types, name, &schema, &defaults[key]));
        } else {
            all[0].settings.push(setting(types, key.clone(), &schema, &defaults[key]));
        }
    }
    all
}

/// The fields of a type in the order in which they are declared.
fn fields(schema: &RefOr<Schema>) -> Vec<(&String, &RefOr<Schema>)> {
    match schema {
        RefOr::T(Schema::Object(object)) => object.properties.iter().collect(),
        _ => panic!("settings have keys"),
    }
}

fn setting(types: &BTreeMap<String, RefOr<Schema>>, key: String, schema: &Value, default: &Value) -> Setting {
    let (least, most) = (schema["minimum"].as_u64(), schema["maximum"].as_u64());
    let kind = schema["type"].as_str().or_else(|| schema["type"][0].as_str());
    let kind = match (kind, least, most) {
        (Some("integer"), Some(least), Some(most)) => format!("number, {least} to {most}"),
        (Some("integer"), least, _) => format!("number, at least {}", least.unwrap_or(0)),
        (Some("boolean"), ..) => "`true` or `false`".into(),
        (Some("string"), ..) => "text".into(),
        (Some("array"), ..) => "list of texts".into(),
        (other, ..) => {
            let choices = types.get(type_of(schema)).map(|choices| json!(choices)["enum"].clone());
            let choices = choices
                .as_ref()
                .and_then(Value::as_array)
                .unwrap_or_else(|| panic!("{key} is of a new type: {other:?}"));
            choices
                .iter()
                .map(|choice| format!("`{}`", choice.as_str().unwrap_or_default()))
                .collect::<Vec<_>>()
                .join(" or ")
        }
    };
    let default = if default.is_null() || *default == json!([]) { "none".into() } else { format!("`{default}`") };
    Setting { kind, default, about: text(schema), least, most, key }
}

/// The name of the type that a schema refers to.
fn type_of(schema: &Value) -> &str {
    schema["$ref"].as_str().and_then(|place| place.rsplit('/').next()).unwrap_or_default()
}

fn text(schema: &Value) -> String {
    let text = schema["description"].as_str().expect("all that can be set is documented");
    text.replace('\n', " ")
}

fn unit(key: &str) -> &'static str {
    let units = [("_per_second", "per second"), ("_seconds", "seconds"), ("_ms", "milliseconds"), ("_bytes", "bytes")];
    units.iter().find(|(end, _)| key.ends_with(end)).map_or("", |(_, unit)| unit)
}

fn variable(section: &str, key: &str) -> String {
    format!("WIDGETAPP_{}__{key}", section.replace('.', "__")).to_uppercase()
}

#[test]
fn the_bounds_of_numbers_are_those_that_the_program_keeps() {
    for section in sections() {
        for Setting { key, least, most, .. } in section.settings {
            let taken = |value: u64| {
                let env = vec![(variable(&section.name, &key), value.to_string())];
                Config::load(&Sources { file: Some("/dev/null".into()), env, ..Sources::default() }).is_ok()
            };
            if let Some(least) = least {
                assert!(taken(least) && (least == 0 || !taken(least - 1)), "{key}: {least}");
            }
            if let Some(most) = most {
                assert!(taken(most) && !taken(most + 1), "{key}: {most}");
            }
        }
    }
}
