//! Reading: what is stored goes through the same types as what comes from outside. A row that they
//! cannot hold is an error, never half a ledger.

use core::time::Duration;
use std::collections::BTreeMap;

use serde::Deserialize;
use skewguard_domain::{
    Cutover, DeployTime, LeaseTerms, Ledger, LedgerParts, MaxAge, Release, ReleaseId, Retirement,
    Stage, Strictness, Style, Takeover, Timestamp, VersionRecord, WorkerHistory, WorkerName,
};
use skewguard_ports::{AuditEntry, AuditPage, StorageError};

use super::{
    DECIDED_AT, DurableStorage, LONGER_UNTIL, MAX_AGE, epoch, integer, timestamp, unavailable,
};

#[derive(Deserialize)]
struct TakeoverRow {
    worker: String,
    uuid: String,
    deploy_time_ms: f64,
    registered_at_ms: f64,
    epoch: f64,
    stop_at_ms: f64,
    start_at_ms: f64,
    strict: f64,
    retirement: String,
}

#[derive(Deserialize)]
struct ForgottenRow {
    worker: String,
    deploy_time_ms: f64,
}

#[derive(Deserialize)]
struct ReleaseRow {
    id: String,
    announced_at_ms: f64,
    style: String,
    stage: String,
    stage_at_ms: Option<f64>,
    start_at_ms: Option<f64>,
    epoch: Option<f64>,
}

#[derive(Deserialize)]
struct ReleaseBundleRow {
    release: String,
    worker: String,
    uuid: String,
    deploy_time_ms: f64,
    registered_at_ms: f64,
}

#[derive(Deserialize)]
struct AuditRow {
    epoch: f64,
    from_epoch: f64,
    at_ms: f64,
    token: String,
    action: String,
    release: Option<String>,
    detail: String,
}

impl DurableStorage {
    pub(super) fn read_ledger(&self) -> Result<Ledger, StorageError> {
        Ok(Ledger::from(LedgerParts {
            epoch: self.epoch()?,
            decided_at: self.meta(DECIDED_AT)?.map(Timestamp::from_unix_millis),
            lease: self.read_lease()?,
            workers: self.read_workers()?,
            releases: self.read_releases()?,
        }))
    }

    fn read_lease(&self) -> Result<LeaseTerms, StorageError> {
        let Some(millis) = self.meta(MAX_AGE)? else { return Ok(LeaseTerms::default()) };
        let millis = u64::try_from(millis).map_err(unavailable)?;
        Ok(LeaseTerms {
            max_age: MaxAge::new(Duration::from_millis(millis)).map_err(unavailable)?,
            longer_until: self.meta(LONGER_UNTIL)?.map(Timestamp::from_unix_millis),
        })
    }

    fn read_workers(&self) -> Result<BTreeMap<WorkerName, WorkerHistory>, StorageError> {
        let forgotten: Vec<ForgottenRow> = self.rows("SELECT * FROM forgotten", vec![])?;
        let query = "SELECT * FROM takeovers ORDER BY worker, epoch";
        let rows: Vec<TakeoverRow> = self.rows(query, vec![])?;
        let mut workers = BTreeMap::new();
        for rows in rows.chunk_by(|one, next| one.worker == next.worker) {
            let worker = &rows[0].worker;
            let forgotten = forgotten.iter().find(|row| row.worker == *worker);
            let forgotten = forgotten.map(|row| deploy_time(row.deploy_time_ms)).transpose()?;
            let takeovers = rows.iter().map(TakeoverRow::takeover).collect::<Result<_, _>>()?;
            let history = WorkerHistory::new(takeovers, forgotten);
            let history = history.ok_or_else(|| unavailable("takeovers are out of order"))?;
            workers.insert(parse(worker)?, history);
        }
        Ok(workers)
    }

    fn read_releases(&self) -> Result<Vec<Release>, StorageError> {
        let query = "SELECT * FROM release_bundles";
        let bundles: Vec<ReleaseBundleRow> = self.rows(query, vec![])?;
        let query = "SELECT * FROM releases ORDER BY announced_epoch";
        let rows: Vec<ReleaseRow> = self.rows(query, vec![])?;
        rows.into_iter().map(|row| row.release(&bundles)).collect()
    }

    pub(super) fn read_audit(&self, page: AuditPage) -> Result<Vec<AuditEntry>, StorageError> {
        let before = match page.before {
            Some(before) => i64::try_from(before.get()).unwrap_or(i64::MAX),
            None => i64::MAX,
        };
        // Larger numbers are not exact in JavaScript, and not taken; no epoch comes near.
        let before = before.min((1 << 53) - 1);
        let rows: Vec<AuditRow> = self.rows(
            "SELECT * FROM audit WHERE epoch < ? ORDER BY epoch DESC LIMIT ?",
            vec![integer(before)?, integer(i64::from(page.limit))?],
        )?;
        rows.into_iter().map(AuditRow::entry).collect()
    }
}

impl TakeoverRow {
    fn takeover(&self) -> Result<Takeover, StorageError> {
        Ok(Takeover {
            record: record(&self.uuid, self.deploy_time_ms, self.registered_at_ms)?,
            cutover: Cutover {
                stop_at: timestamp(self.stop_at_ms),
                start_at: timestamp(self.start_at_ms),
            },
            strictness: if self.strict == 0.0 { Strictness::Relaxed } else { Strictness::Strict },
            retirement: match self.retirement.as_str() {
                "superseded" => Retirement::Superseded,
                "rolled_back" => Retirement::RolledBack,
                other => return Err(unavailable(format!("unknown retirement {other}"))),
            },
            epoch: epoch(self.epoch as i64)?,
        })
    }
}

impl ReleaseRow {
    fn release(self, all: &[ReleaseBundleRow]) -> Result<Release, StorageError> {
        let mut bundles = BTreeMap::new();
        for row in all.iter().filter(|row| row.release == self.id) {
            let record = record(&row.uuid, row.deploy_time_ms, row.registered_at_ms)?;
            bundles.insert(parse(&row.worker)?, record);
        }
        let style = [Style::Plain, Style::Strict, Style::Canary];
        let style = style.into_iter().find(|style| style.as_str() == self.style);
        Ok(Release {
            id: parse::<ReleaseId>(&self.id)?,
            style: style.ok_or_else(|| unavailable("a release without a style"))?,
            announced_at: timestamp(self.announced_at_ms),
            bundles,
            stage: self.stage()?,
        })
    }

    fn stage(&self) -> Result<Stage, StorageError> {
        let at = self.stage_at_ms.map(timestamp);
        let start_at = self.start_at_ms.map(timestamp);
        match (self.stage.as_str(), at, start_at, self.epoch) {
            ("announced", None, None, None) => Ok(Stage::Announced),
            ("shared", Some(since), None, None) => Ok(Stage::Shared { since }),
            ("aborted", Some(at), None, None) => Ok(Stage::Aborted { at }),
            ("activated", Some(stop_at), Some(start_at), Some(number)) => Ok(Stage::Activated {
                cutover: Cutover { stop_at, start_at },
                epoch: epoch(number as i64)?,
            }),
            _ => Err(unavailable("a release without a stage")),
        }
    }
}

impl AuditRow {
    fn entry(self) -> Result<AuditEntry, StorageError> {
        Ok(AuditEntry {
            at: timestamp(self.at_ms),
            by: parse(&self.token)?,
            action: self.action,
            release: self.release,
            detail: self.detail,
            from: epoch(self.from_epoch as i64)?,
            to: epoch(self.epoch as i64)?,
        })
    }
}

fn record(
    uuid: &str,
    deploy_time_ms: f64,
    registered_at_ms: f64,
) -> Result<VersionRecord, StorageError> {
    Ok(VersionRecord {
        bundle: parse(uuid)?,
        deploy_time: deploy_time(deploy_time_ms)?,
        registered_at: timestamp(registered_at_ms),
    })
}

fn deploy_time(millis: f64) -> Result<DeployTime, StorageError> {
    DeployTime::try_from(timestamp(millis)).map_err(unavailable)
}

fn parse<T: core::str::FromStr<Err: ToString>>(text: &str) -> Result<T, StorageError> {
    text.parse().map_err(unavailable)
}
