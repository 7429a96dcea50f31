//! Variables of a Worker.

use js_sys::{JSON, Reflect};
use wasm_bindgen::JsValue;
use worker::Env;

/// A variable as text. `Env::var` sees only those that are text, and `VERSION_CHECK_ENABLED = false`
/// in a TOML file is not: a switch that is ignored in silence would be worse than none.
pub(crate) fn variable(env: &Env, name: &str) -> Option<String> {
    let value = Reflect::get(env.as_ref(), &JsValue::from_str(name)).ok()?;
    if value.is_undefined() || value.is_null() {
        return None;
    }
    let text = value.as_string().or_else(|| JSON::stringify(&value).ok()?.as_string());
    Some(text.unwrap_or_default())
}
