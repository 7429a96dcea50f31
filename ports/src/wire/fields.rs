//! Fields of a JSON object, and what can be wrong with them.

use serde_json::{Map, Value};

/// An object's fields.
pub(crate) type Fields = Map<String, Value>;

/// A field that may be left out, and then is `false`; `None` if it is something else.
pub(crate) fn flag(fields: &Fields, name: &str) -> Option<bool> {
    match fields.get(name) {
        None => Some(false),
        Some(value) => value.as_bool(),
    }
}
