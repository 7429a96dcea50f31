//! `ctx.storage.transactionSync`, which the `worker` crate does not offer.

use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

#[wasm_bindgen]
extern "C" {
    /// The storage of a Durable Object, for its transactions only.
    pub(crate) type Transactions;

    /// Calls `work` in a transaction, which is rolled back if it throws.
    #[wasm_bindgen(method, catch, js_name = transactionSync)]
    pub(crate) fn transaction_sync(
        this: &Transactions,
        work: &mut dyn FnMut() -> Result<JsValue, JsValue>,
    ) -> Result<JsValue, JsValue>;
}
