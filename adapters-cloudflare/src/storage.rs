//! The manager's ledger and audit trail in the SQLite database of its Durable Object.

mod read;
mod write;

use core::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use serde::Deserialize;
use skewguard_domain::{Applied, Epoch, Ledger, Timestamp};
use skewguard_ports::{AuditEntry, AuditPage, Storage, StorageError};
use wasm_bindgen::{JsCast, JsValue};
use worker::send::SendWrapper;
use worker::{SqlStorage, SqlStorageValue, State};

use crate::schema;
use crate::transaction::Transactions;

const EPOCH: &str = "epoch";
const SCHEMA_VERSION: &str = "schema_version";
const DECIDED_AT: &str = "decided_at_ms";
const MAX_AGE: &str = "max_age_ms";
const LONGER_UNTIL: &str = "longer_until_ms";

/// A [`Storage`] in a Durable Object.
///
/// Every method runs to its end without waiting for anything, so no other request of the object
/// comes in between; writes are in a transaction all the same, since a statement may fail half
/// way through a change.
pub(crate) struct DurableStorage {
    sql: SqlStorage,
    transactions: SendWrapper<Transactions>,
    /// Whether the schema is known to be the newest.
    is_migrated: AtomicBool,
}

#[derive(Deserialize)]
struct ValueRow {
    value: f64,
}

impl DurableStorage {
    pub(crate) fn new(state: State) -> Self {
        let sql = state.storage().sql();
        let storage = state._inner().storage().map_or(JsValue::UNDEFINED, JsValue::from);
        let transactions = SendWrapper::new(storage.unchecked_into());
        Self { sql, transactions, is_migrated: AtomicBool::new(false) }
    }

    /// Brings the schema up to date, whatever version it had.
    fn migrate(&self) -> Result<(), StorageError> {
        if self.is_migrated.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.exec(schema::META, vec![])?;
        let found = self.meta(SCHEMA_VERSION)?.unwrap_or(0);
        if found > schema::VERSION {
            return Err(StorageError::Unavailable(format!(
                "the database has schema {found}, this manager knows {}; deploy a newer manager",
                schema::VERSION
            )));
        }
        if found < schema::VERSION {
            self.transaction(|| {
                for step in schema::MIGRATIONS.iter().skip(usize::try_from(found).unwrap_or(0)) {
                    self.exec(step, vec![])?;
                }
                self.set_meta(SCHEMA_VERSION, schema::VERSION)
            })?;
        }
        self.is_migrated.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn epoch(&self) -> Result<Epoch, StorageError> {
        epoch(self.meta(EPOCH)?.unwrap_or(0))
    }

    fn meta(&self, name: &str) -> Result<Option<i64>, StorageError> {
        let rows: Vec<ValueRow> =
            self.rows("SELECT value FROM meta WHERE name = ?", vec![name.into()])?;
        Ok(rows.first().map(|row| row.value as i64))
    }

    fn set_meta(&self, name: &str, value: i64) -> Result<(), StorageError> {
        let values = vec![name.into(), integer(value)?];
        self.exec("INSERT OR REPLACE INTO meta VALUES (?, ?)", values)
    }

    fn rows<T: for<'a> Deserialize<'a>>(
        &self,
        query: &str,
        values: Vec<SqlStorageValue>,
    ) -> Result<Vec<T>, StorageError> {
        self.sql.exec(query, values).and_then(|cursor| cursor.to_array()).map_err(unavailable)
    }

    fn exec(&self, statement: &str, values: Vec<SqlStorageValue>) -> Result<(), StorageError> {
        self.sql.exec(statement, values).map(drop).map_err(unavailable)
    }

    /// Runs `work` in a transaction, which is rolled back if it fails.
    fn transaction(&self, work: impl Fn() -> Result<(), StorageError>) -> Result<(), StorageError> {
        let mut failure = None;
        let thrown = self.transactions.transaction_sync(&mut || match work() {
            Ok(()) => Ok(JsValue::UNDEFINED),
            Err(error) => {
                let thrown = JsValue::from_str(&error.to_string());
                failure = Some(error);
                Err(thrown)
            }
        });
        match (failure, thrown) {
            (Some(error), _) => Err(error),
            (None, Err(thrown)) => Err(unavailable(worker::Error::from(thrown))),
            (None, Ok(_)) => Ok(()),
        }
    }
}

/// SQLite's integers come to JavaScript as doubles; a time in milliseconds fits either.
fn timestamp(millis: f64) -> Timestamp {
    Timestamp::from_unix_millis(millis as i64)
}

fn epoch(number: i64) -> Result<Epoch, StorageError> {
    u64::try_from(number).map(Epoch::new).map_err(unavailable)
}

fn integer(value: i64) -> Result<SqlStorageValue, StorageError> {
    SqlStorageValue::try_from_i64(value).map_err(unavailable)
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` hands over")]
fn unavailable(detail: impl ToString) -> StorageError {
    StorageError::Unavailable(detail.to_string())
}

#[async_trait]
impl Storage for DurableStorage {
    async fn load(&self) -> Result<Ledger, StorageError> {
        self.migrate()?;
        self.read_ledger()
    }

    async fn commit(&self, change: &Applied, entry: &AuditEntry) -> Result<(), StorageError> {
        self.migrate()?;
        self.write_change(change, entry)
    }

    async fn audit(&self, page: AuditPage) -> Result<Vec<AuditEntry>, StorageError> {
        self.migrate()?;
        self.read_audit(page)
    }
}
