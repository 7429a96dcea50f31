//! The manager's ledger in the SQLite database of its Durable Object.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::Deserialize;
use skewguard_domain::{
    Applied, DeployTime, Epoch, Event, Ledger, Retired, Retirement, Timestamp, VersionRecord,
    WorkerHistory,
};
use skewguard_ports::{Storage, StorageError};
use wasm_bindgen::{JsCast, JsValue};
use worker::send::SendWrapper;
use worker::{SqlStorage, SqlStorageValue, State};

use crate::schema;
use crate::transaction::Transactions;

const EPOCH: &str = "epoch";
const SCHEMA_VERSION: &str = "schema_version";

/// A [`Storage`] in a Durable Object.
///
/// Every method runs to its end without waiting for anything, so no other request of the object
/// comes in between; writes are in a transaction all the same, since a statement may fail half
/// way through a change.
pub(crate) struct DurableStorage {
    sql: SqlStorage,
    transactions: SendWrapper<Transactions>,
}

#[derive(Deserialize)]
struct BundleRow {
    worker: String,
    uuid: String,
    deploy_time_ms: f64,
    registered_at_ms: f64,
    retirement: Option<String>,
    retired_at_ms: Option<f64>,
}

#[derive(Deserialize)]
struct ValueRow {
    value: f64,
}

impl DurableStorage {
    pub(crate) fn new(state: State) -> Self {
        let sql = state.storage().sql();
        let storage = state._inner().storage().map_or(JsValue::UNDEFINED, JsValue::from);
        Self { sql, transactions: SendWrapper::new(storage.unchecked_into()) }
    }

    /// Brings the schema up to date, whatever version it had.
    fn migrate(&self) -> Result<(), StorageError> {
        self.exec(schema::META, vec![])?;
        let found = self.meta(SCHEMA_VERSION)?.unwrap_or(0);
        if found > schema::VERSION {
            return Err(StorageError::Unavailable(format!(
                "the database has schema {found}, this manager knows {}; deploy a newer manager",
                schema::VERSION
            )));
        }
        if found == schema::VERSION {
            return Ok(());
        }
        self.transaction(|| {
            for step in schema::MIGRATIONS.iter().skip(usize::try_from(found).unwrap_or(0)) {
                self.exec(step, vec![])?;
            }
            self.set_meta(SCHEMA_VERSION, schema::VERSION)
        })
    }

    fn read(&self) -> Result<Ledger, StorageError> {
        self.migrate()?;
        let rows: Vec<BundleRow> = self
            .exec("SELECT * FROM bundles ORDER BY worker, retired_epoch", vec![])?
            .to_array()
            .map_err(unavailable)?;
        let mut serving = BTreeMap::new();
        let mut retired: BTreeMap<_, Vec<Retired>> = BTreeMap::new();
        for row in rows {
            let worker = row.worker.parse().map_err(unavailable)?;
            let record = row.record()?;
            match row.retired(record)? {
                None => drop(serving.insert(worker, record)),
                Some(entry) => retired.entry(worker).or_default().push(entry),
            }
        }
        let workers = serving.into_iter().map(|(worker, current)| {
            let retired = retired.remove(&worker).unwrap_or_default();
            (worker, WorkerHistory::new(current, retired))
        });
        let workers = workers.collect();
        if !retired.is_empty() {
            return Err(unavailable("a Worker has retired bundles only"));
        }
        Ok(Ledger::new(self.epoch()?, workers))
    }

    fn write(&self, from: Epoch, change: &Applied) -> Result<(), StorageError> {
        self.migrate()?;
        if self.epoch()? != from {
            return Err(StorageError::Conflict);
        }
        let to = i64::try_from(change.ledger.epoch().get()).map_err(unavailable)?;
        self.transaction(|| {
            for event in &change.events {
                self.write_event(event, to)?;
            }
            self.set_meta(EPOCH, to)
        })
    }

    fn write_event(&self, event: &Event, epoch: i64) -> Result<(), StorageError> {
        let Event::TookOver { worker, record, retires, forgets } = event;
        let worker = || SqlStorageValue::from(worker.as_str());
        if let Some(bundle) = forgets {
            let which = vec![worker(), bundle.reveal().into()];
            self.exec("DELETE FROM bundles WHERE worker = ? AND uuid = ?", which)?;
        }
        if let Some(retired) = retires {
            self.exec(
                "UPDATE bundles SET retirement = ?, retired_at_ms = ?, retired_epoch = ?
                 WHERE worker = ? AND uuid = ?",
                vec![
                    retired.retirement.as_str().into(),
                    integer(retired.since.as_unix_millis())?,
                    integer(epoch)?,
                    worker(),
                    retired.record.bundle.reveal().into(),
                ],
            )?;
        }
        self.exec(
            "INSERT OR REPLACE INTO bundles
             (worker, uuid, deploy_time_ms, registered_at_ms) VALUES (?, ?, ?, ?)",
            vec![
                worker(),
                record.bundle.reveal().into(),
                integer(record.deploy_time.as_timestamp().as_unix_millis())?,
                integer(record.registered_at.as_unix_millis())?,
            ],
        )?;
        Ok(())
    }

    fn epoch(&self) -> Result<Epoch, StorageError> {
        let stored = self.meta(EPOCH)?.unwrap_or(0);
        u64::try_from(stored).map(Epoch::new).map_err(unavailable)
    }

    fn meta(&self, name: &str) -> Result<Option<i64>, StorageError> {
        let rows: Vec<ValueRow> = self
            .exec("SELECT value FROM meta WHERE name = ?", vec![name.into()])?
            .to_array()
            .map_err(unavailable)?;
        Ok(rows.first().map(|row| row.value as i64))
    }

    fn set_meta(&self, name: &str, value: i64) -> Result<(), StorageError> {
        let values = vec![name.into(), integer(value)?];
        self.exec("INSERT OR REPLACE INTO meta VALUES (?, ?)", values)?;
        Ok(())
    }

    fn exec(
        &self,
        query: &str,
        values: Vec<SqlStorageValue>,
    ) -> Result<worker::SqlCursor, StorageError> {
        self.sql.exec(query, values).map_err(unavailable)
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

impl BundleRow {
    fn record(&self) -> Result<VersionRecord, StorageError> {
        Ok(VersionRecord {
            bundle: self.uuid.parse().map_err(unavailable)?,
            deploy_time: DeployTime::try_from(timestamp(self.deploy_time_ms))
                .map_err(unavailable)?,
            registered_at: timestamp(self.registered_at_ms),
        })
    }

    fn retired(&self, record: VersionRecord) -> Result<Option<Retired>, StorageError> {
        let retirement = match self.retirement.as_deref() {
            None => return Ok(None),
            Some("superseded") => Retirement::Superseded,
            Some("rolled_back") => Retirement::RolledBack,
            Some(other) => return Err(unavailable(format!("unknown retirement {other}"))),
        };
        let since = self.retired_at_ms.ok_or_else(|| unavailable("a retirement without a time"))?;
        Ok(Some(Retired { record, retirement, since: timestamp(since) }))
    }
}

/// SQLite's integers come to JavaScript as doubles; a time in milliseconds fits either.
fn timestamp(millis: f64) -> Timestamp {
    Timestamp::from_unix_millis(millis as i64)
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
        self.read()
    }

    async fn commit(&self, from: Epoch, change: &Applied) -> Result<(), StorageError> {
        self.write(from, change)
    }
}
