//! Writing: the events of a change, and nothing else.

use skewguard_domain::{Applied, Event, Release, ReleaseId, Stage, Strictness, TookOver};
use skewguard_ports::{AuditEntry, StorageError};
use worker::SqlStorageValue;

use super::{DECIDED_AT, DurableStorage, EPOCH, LONGER_UNTIL, MAX_AGE, integer, unavailable};

impl DurableStorage {
    pub(super) fn write_change(
        &self,
        change: &Applied,
        entry: &AuditEntry,
    ) -> Result<(), StorageError> {
        if self.epoch()? != entry.from {
            return Err(StorageError::Conflict);
        }
        let to = i64::try_from(change.ledger.epoch().get()).map_err(unavailable)?;
        self.transaction(|| {
            for event in &change.events {
                self.write_event(event, to)?;
            }
            self.set_meta(DECIDED_AT, change.at.as_unix_millis())?;
            self.write_audit(entry, to)?;
            self.set_meta(EPOCH, to)
        })
    }

    fn write_event(&self, event: &Event, epoch: i64) -> Result<(), StorageError> {
        match event {
            Event::TookOver(took_over) => self.write_takeover(took_over),
            Event::Announced { release, forgets } => {
                if let Some(forgotten) = forgets {
                    self.forget_release(forgotten)?;
                }
                self.write_release(release, epoch)
            }
            Event::Staged { release, stage } => self.write_stage(release, stage),
            Event::LeaseSet(lease) => {
                let millis = i64::try_from(lease.max_age.get().as_millis()).map_err(unavailable)?;
                self.set_meta(MAX_AGE, millis)?;
                match lease.longer_until {
                    Some(until) => self.set_meta(LONGER_UNTIL, until.as_unix_millis()),
                    None => self.exec("DELETE FROM meta WHERE name = ?", vec![LONGER_UNTIL.into()]),
                }
            }
        }
    }

    fn write_takeover(&self, took_over: &TookOver) -> Result<(), StorageError> {
        let TookOver { worker, takeover, forgets } = took_over;
        let worker = || SqlStorageValue::from(worker.as_str());
        if let Some(oldest) = forgets {
            let oldest = i64::try_from(oldest.get()).map_err(unavailable)?;
            let which = || Ok::<_, StorageError>(vec![worker(), integer(oldest)?]);
            self.exec(
                "INSERT INTO forgotten
                 SELECT worker, deploy_time_ms FROM takeovers WHERE worker = ? AND epoch = ?
                 ON CONFLICT (worker) DO UPDATE SET
                 deploy_time_ms = MAX(deploy_time_ms, excluded.deploy_time_ms)",
                which()?,
            )?;
            self.exec("DELETE FROM takeovers WHERE worker = ? AND epoch = ?", which()?)?;
        }
        let record = &takeover.record;
        let values = vec![
            worker(),
            integer(i64::try_from(takeover.epoch.get()).map_err(unavailable)?)?,
            record.bundle.reveal().into(),
            integer(record.deploy_time.as_timestamp().as_unix_millis())?,
            integer(record.registered_at.as_unix_millis())?,
            integer(takeover.cutover.stop_at.as_unix_millis())?,
            integer(takeover.cutover.start_at.as_unix_millis())?,
            integer(i64::from(takeover.strictness == Strictness::Strict))?,
            takeover.retirement.as_str().into(),
        ];
        self.exec("INSERT INTO takeovers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
    }

    fn write_release(&self, release: &Release, epoch: i64) -> Result<(), StorageError> {
        let id = || SqlStorageValue::from(release.id.as_str());
        self.exec(
            "INSERT INTO releases (id, announced_epoch, announced_at_ms, style, stage)
             VALUES (?, ?, ?, ?, 'announced')",
            vec![
                id(),
                integer(epoch)?,
                integer(release.announced_at.as_unix_millis())?,
                release.style.as_str().into(),
            ],
        )?;
        for (worker, record) in &release.bundles {
            let values = vec![
                id(),
                worker.as_str().into(),
                record.bundle.reveal().into(),
                integer(record.deploy_time.as_timestamp().as_unix_millis())?,
                integer(record.registered_at.as_unix_millis())?,
            ];
            self.exec("INSERT INTO release_bundles VALUES (?, ?, ?, ?, ?)", values)?;
        }
        self.write_stage(&release.id, &release.stage)
    }

    fn write_stage(&self, release: &ReleaseId, stage: &Stage) -> Result<(), StorageError> {
        let null = || SqlStorageValue::Null;
        let (name, at, start_at, epoch) = match stage {
            Stage::Announced => ("announced", null(), null(), null()),
            Stage::Shared { since } => ("shared", integer(since.as_unix_millis())?, null(), null()),
            Stage::Aborted { at } => ("aborted", integer(at.as_unix_millis())?, null(), null()),
            Stage::Activated { cutover, epoch } => (
                "activated",
                integer(cutover.stop_at.as_unix_millis())?,
                integer(cutover.start_at.as_unix_millis())?,
                integer(i64::try_from(epoch.get()).map_err(unavailable)?)?,
            ),
        };
        self.exec(
            "UPDATE releases SET stage = ?, stage_at_ms = ?, start_at_ms = ?, epoch = ?
             WHERE id = ?",
            vec![name.into(), at, start_at, epoch, release.as_str().into()],
        )
    }

    fn forget_release(&self, release: &ReleaseId) -> Result<(), StorageError> {
        let id = || vec![SqlStorageValue::from(release.as_str())];
        self.exec("DELETE FROM release_bundles WHERE release = ?", id())?;
        self.exec("DELETE FROM releases WHERE id = ?", id())
    }

    fn write_audit(&self, entry: &AuditEntry, to: i64) -> Result<(), StorageError> {
        let release = entry.release.as_deref();
        let values = vec![
            integer(to)?,
            integer(i64::try_from(entry.from.get()).map_err(unavailable)?)?,
            integer(entry.at.as_unix_millis())?,
            entry.by.as_str().into(),
            entry.action.as_str().into(),
            release.map_or(SqlStorageValue::Null, SqlStorageValue::from),
            entry.detail.as_str().into(),
        ];
        self.exec("INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?)", values)
    }
}
