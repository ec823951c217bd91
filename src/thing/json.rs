//! Yjs values as JSON, and JSON as Yjs values. Knows nothing of documents or Things.
//!
//! Numbers follow JavaScript, where 5 and 5.0 are one: a whole number up to 2^53 is written without
//! a fraction. What JSON cannot say becomes null (undefined, NaN), bytes become a list of numbers.

use std::{collections::HashMap, sync::Arc};

use serde_json::{Map as Object, Number, Value};
use yrs::{Any, Array as _, GetString as _, Map as _, MapRef, Number as AnyNumber, Out, ReadTxn};

/// The largest whole number that JavaScript tells from its neighbours.
const MAX_SAFE: f64 = 9_007_199_254_740_991.0;

/// What stands in a shared type, as JSON; a text as its plain string.
pub(super) fn read<T: ReadTxn>(txn: &T, out: &Out) -> Value {
    match out {
        Out::Any(any) => from_any(any),
        Out::YText(text) => Value::String(text.get_string(txn)),
        Out::YXmlText(text) => Value::String(text.get_string(txn)),
        Out::YXmlElement(element) => Value::String(element.get_string(txn)),
        Out::YXmlFragment(fragment) => Value::String(fragment.get_string(txn)),
        Out::YArray(array) => array.iter(txn).map(|item| read(txn, &item)).collect(),
        Out::YMap(map) => Value::Object(read_map(txn, map)),
        Out::YDoc(_) | Out::UndefinedRef(_) => Value::Null,
    }
}

/// A shared map as an object.
pub(super) fn read_map<T: ReadTxn>(txn: &T, map: &MapRef) -> Object<String, Value> {
    map.keys(txn).filter_map(|key| Some((key.to_owned(), read(txn, &map.get(txn, key)?)))).collect()
}

fn from_any(any: &Any) -> Value {
    match any {
        Any::Null | Any::Undefined => Value::Null,
        Any::Bool(value) => Value::Bool(*value),
        Any::Number(AnyNumber::Int(number)) => Value::from(*number),
        Any::Number(AnyNumber::Float(number)) => from_f64(*number),
        Any::String(text) => Value::from(&**text),
        Any::Buffer(bytes) => bytes.iter().copied().collect(),
        Any::Array(items) => items.iter().map(from_any).collect(),
        Any::Map(entries) => entries.iter().map(|(key, value)| (key.clone(), from_any(value))).collect(),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "whole and within 2^53")]
fn from_f64(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() <= MAX_SAFE {
        Value::from(number as i64)
    } else {
        Number::from_f64(number).map_or(Value::Null, Value::Number)
    }
}

/// JSON as a plain Yjs value.
pub(super) fn to_any(value: &Value) -> Any {
    match value {
        Value::Null => Any::Null,
        Value::Bool(value) => Any::Bool(*value),
        Value::Number(number) => Any::Number(to_number(number)),
        Value::String(text) => Any::String(Arc::from(text.as_str())),
        Value::Array(items) => Any::Array(items.iter().map(to_any).collect()),
        Value::Object(entries) => {
            let entries: HashMap<_, _> = entries.iter().map(|(key, value)| (key.clone(), to_any(value))).collect();
            Any::Map(Arc::new(entries))
        }
    }
}

fn to_number(number: &Number) -> AnyNumber {
    match number.as_i64() {
        Some(whole) if whole.unsigned_abs() <= 1 << 53 => AnyNumber::Int(whole),
        // Beyond it JavaScript has no integers, and a bigint would break its arithmetic.
        _ => AnyNumber::Float(number.as_f64().unwrap_or(f64::NAN)),
    }
}

/// Writes the numbers of `value` as [`read`] gives them, so that equal ones compare equal.
pub(super) fn normalise(value: &mut Value) {
    match value {
        Value::Number(number) => *value = from_any(&Any::Number(to_number(number))),
        Value::Array(items) => items.iter_mut().for_each(normalise),
        Value::Object(entries) => entries.values_mut().for_each(normalise),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// How deep `value` nests: 0 for a plain one.
pub(super) fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(entries) => 1 + entries.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// About how many bytes `value` takes as JSON.
pub(super) fn weight(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 8,
        Value::String(text) => text.len() + 2,
        Value::Array(items) => items.iter().map(|item| weight(item) + 1).sum::<usize>() + 2,
        Value::Object(entries) => entries.iter().map(|(key, value)| key.len() + 4 + weight(value)).sum::<usize>() + 2,
    }
}
