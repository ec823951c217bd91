//! Takes one change of the past back, as JSON shows it: where the content is still as the change left it, it becomes
//! what it was before; where others have changed it since, theirs stays. Texts are merged letter by letter, so that of
//! a text on which several have worked only the one's own words go or come back.
//!
//! It compares contents and not their history: what somebody took away and put back since counts as untouched.

use std::collections::BTreeSet;

use serde_json::{Map as Object, Value, json};
use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::writing::{LABEL, Place};

/// How many comparisons one text may cost: some milliseconds. Beyond it, whole lines are compared, and if there are too
/// many of those as well, the text stays as it is.
const BUDGET: usize = 4_000_000;

/// What `now` is without the change that led from `before` to `after`. All three are contents of a Thing.
pub(super) fn without(before: &Value, after: &Value, now: &Value) -> Value {
    let all = [before, after, now];
    let none = Object::new();
    let map = |root: &str, place| object(place, all.map(|content| content[root].as_object().unwrap_or(&none)));
    let notes = text(all.map(|content| content["notes"].as_str().unwrap_or_default()));
    json!({"meta": map("meta", Place::Elsewhere), "parts": map("parts", Place::Parts), "notes": notes})
}

fn object(place: Place, [before, after, now]: [&Object<String, Value>; 3]) -> Object<String, Value> {
    let keys: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    let merged = keys.into_iter().filter_map(|key| {
        let value = value(place, key, [before.get(key), after.get(key), now.get(key)])?;
        Some((key.clone(), value))
    });
    merged.collect()
}

/// What is to be under one key of a map; none if nothing is.
fn value(place: Place, key: &str, [before, after, now]: [Option<&Value>; 3]) -> Option<Value> {
    if before == after {
        return now.cloned();
    }
    if now == after {
        return before.cloned();
    }
    match (before, after, now) {
        (Some(Value::Object(before)), Some(Value::Object(after)), Some(Value::Object(now))) => {
            let inner = if place == Place::Parts { Place::Part } else { Place::Elsewhere };
            Some(Value::Object(object(inner, [before, after, now])))
        }
        (Some(Value::String(before)), Some(Value::String(after)), Some(Value::String(now)))
            if place == Place::Part && key == LABEL =>
        {
            Some(text([before, after, now]).into())
        }
        // Who drew a part takes it away, whatever others have made of it.
        (None, Some(_), _) if place == Place::Parts => None,
        _ => now.cloned(),
    }
}

/// A text merged: both what led from `after` to `before` and what led from `after` to `now` happens to `after`.
fn text([before, after, now]: [&str; 3]) -> String {
    if before == after {
        return now.to_owned();
    }
    if now == after {
        return before.to_owned();
    }
    let letters = [before, after, now].map(|text| text.split_inclusive(|_| true).collect());
    let lines = [before, after, now].map(|text| text.split_inclusive('\n').collect());
    merged(&letters).or_else(|| merged(&lines)).unwrap_or_else(|| now.to_owned())
}

/// The same of pieces; none if that takes too long.
fn merged([before, after, now]: &[Vec<&str>; 3]) -> Option<String> {
    let (back, on) = (Edits::of(after, before)?, Edits::of(after, now)?);
    let mut text = String::new();
    for (at, piece) in after.iter().map(Some).chain([None]).enumerate() {
        // What comes back stands where it was, before what others have put there since.
        back.inserted[at].iter().chain(on.inserted[at]).for_each(|piece| text.push_str(piece));
        if let Some(piece) = piece.filter(|_| !back.deleted[at] && !on.deleted[at]) {
            text.push_str(piece);
        }
    }
    Some(text)
}

/// What leads from one text to another, for each place of the one.
struct Edits<'a> {
    deleted: Vec<bool>,
    inserted: Vec<&'a [&'a str]>,
}

impl<'a> Edits<'a> {
    fn of(from: &[&str], to: &'a [&'a str]) -> Option<Self> {
        let prefix = from.iter().zip(to).take_while(|(from, to)| from == to).count();
        let (from_rest, to_rest) = (&from[prefix..], &to[prefix..]);
        let suffix = from_rest.iter().rev().zip(to_rest.iter().rev()).take_while(|(from, to)| from == to).count();
        if (from_rest.len() - suffix).saturating_mul(to_rest.len() - suffix) > BUDGET {
            return None;
        }
        let mut edits = Self { deleted: vec![false; from.len()], inserted: vec![&[]; from.len() + 1] };
        for edit in capture_diff_slices(Algorithm::Myers, from, to) {
            let (old, new) = (edit.old_range(), edit.new_range());
            if !matches!(edit, DiffOp::Equal { .. }) {
                edits.inserted[old.start] = &to[new];
                edits.deleted[old].fill(true);
            }
        }
        Some(edits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_text_only_ones_own_words_come_back_or_go() {
        assert_eq!(text(["A lamp.", "A tall lamp.", "A tall lamp. A chair."]), "A lamp. A chair.");
        assert_eq!(text(["A lamp. A table.", "A lamp.", "A red lamp. A chair."]), "A red lamp. A table. A chair.");
        assert_eq!(text(["🙂", "🙂🙃", "x🙂y🙃z"]), "x🙂yz");
    }

    #[test]
    fn texts_that_have_nothing_in_common_do_not_take_for_ever() {
        let [a, b, c] = ["a\n", "b\n", "c\n"].map(|line| line.repeat(100_000));
        assert_eq!(text([&a, &b, &c]), c, "it stays as it is");
        assert_eq!(text([&a, &b, &b]), a);
    }

    #[test]
    fn a_value_that_others_have_set_since_is_theirs() {
        let content = |x: i32, color: &str| json!({"meta": {}, "parts": {"p": {"x": x, "color": color}}, "notes": ""});
        let (before, after) = (content(1, "red"), content(2, "blue"));
        assert_eq!(without(&before, &after, &after), before);
        assert_eq!(without(&before, &after, &content(3, "blue")), content(3, "red"));
        let gone = json!({"meta": {}, "parts": {}, "notes": ""});
        assert_eq!(without(&before, &after, &gone), gone, "what others took away stays away");
        assert_eq!(without(&gone, &before, &after), gone, "who drew a part takes it away");
        assert_eq!(without(&before, &gone, &gone), before);
    }
}
