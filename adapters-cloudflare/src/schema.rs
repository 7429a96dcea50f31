//! The tables of the manager's database, and how an older database gets them.

/// The version of the newest schema: the number of [`MIGRATIONS`].
pub(crate) const VERSION: i64 = MIGRATIONS.len() as i64;

/// Creates what tells the version of the schema, and the epoch.
pub(crate) const META: &str = "CREATE TABLE IF NOT EXISTS meta (
    name TEXT PRIMARY KEY NOT NULL,
    value INTEGER NOT NULL
) WITHOUT ROWID";

/// What leads from each version of the schema to the next. Released steps are never changed.
pub(crate) const MIGRATIONS: [&str; 1] = [
    // 1: one row a bundle. `retired_epoch` is null for the one that serves.
    "CREATE TABLE bundles (
        worker TEXT NOT NULL,
        uuid TEXT NOT NULL,
        deploy_time_ms INTEGER NOT NULL,
        registered_at_ms INTEGER NOT NULL,
        retirement TEXT CHECK (retirement IN ('superseded', 'rolled_back')),
        retired_at_ms INTEGER,
        retired_epoch INTEGER,
        PRIMARY KEY (worker, uuid),
        CHECK ((retirement IS NULL) = (retired_epoch IS NULL)),
        CHECK ((retired_at_ms IS NULL) = (retired_epoch IS NULL))
    ) WITHOUT ROWID;
    CREATE UNIQUE INDEX one_bundle_serves ON bundles (worker) WHERE retired_epoch IS NULL",
];
