//! The tables of the manager's database, and how an older database gets them.

/// The version of the newest schema: the number of [`MIGRATIONS`].
pub(crate) const VERSION: i64 = MIGRATIONS.len() as i64;

/// Creates what tells the version of the schema, and single numbers such as the epoch.
pub(crate) const META: &str = "CREATE TABLE IF NOT EXISTS meta (
    name TEXT PRIMARY KEY NOT NULL,
    value INTEGER NOT NULL
) WITHOUT ROWID";

/// What leads from each version of the schema to the next. Released steps are never changed.
pub(crate) const MIGRATIONS: [&str; 2] = [
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
    // 2: one row a takeover, releases, and the audit trail. What a bundle's row said of its end is
    // said by the takeover that ended it; `retirement` is what becomes of the bundle before. When
    // the first bundle took over was not stored; that it was registered says enough.
    "CREATE TABLE takeovers (
        worker TEXT NOT NULL,
        epoch INTEGER NOT NULL,
        uuid TEXT NOT NULL,
        deploy_time_ms INTEGER NOT NULL,
        registered_at_ms INTEGER NOT NULL,
        stop_at_ms INTEGER NOT NULL,
        start_at_ms INTEGER NOT NULL,
        strict INTEGER NOT NULL CHECK (strict IN (0, 1)),
        retirement TEXT NOT NULL CHECK (retirement IN ('superseded', 'rolled_back')),
        PRIMARY KEY (worker, epoch),
        CHECK (stop_at_ms <= start_at_ms)
    ) WITHOUT ROWID;
    CREATE TABLE forgotten (
        worker TEXT PRIMARY KEY NOT NULL,
        deploy_time_ms INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE releases (
        id TEXT PRIMARY KEY NOT NULL,
        announced_epoch INTEGER NOT NULL UNIQUE,
        announced_at_ms INTEGER NOT NULL,
        style TEXT NOT NULL CHECK (style IN ('plain', 'strict', 'canary')),
        stage TEXT NOT NULL CHECK (stage IN ('announced', 'shared', 'activated', 'aborted')),
        stage_at_ms INTEGER,
        start_at_ms INTEGER,
        epoch INTEGER,
        CHECK ((stage = 'announced') = (stage_at_ms IS NULL)),
        CHECK ((stage = 'activated') = (start_at_ms IS NOT NULL)),
        CHECK ((stage = 'activated') = (epoch IS NOT NULL))
    ) WITHOUT ROWID;
    CREATE TABLE release_bundles (
        release TEXT NOT NULL,
        worker TEXT NOT NULL,
        uuid TEXT NOT NULL,
        deploy_time_ms INTEGER NOT NULL,
        registered_at_ms INTEGER NOT NULL,
        PRIMARY KEY (release, worker)
    ) WITHOUT ROWID;
    CREATE TABLE audit (
        epoch INTEGER PRIMARY KEY NOT NULL,
        from_epoch INTEGER NOT NULL,
        at_ms INTEGER NOT NULL,
        token TEXT NOT NULL,
        action TEXT NOT NULL,
        release TEXT,
        detail TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
        BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
    CREATE TRIGGER audit_is_never_shortened BEFORE DELETE ON audit
        BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
    CREATE TRIGGER audit_is_never_overwritten BEFORE INSERT ON audit
        WHEN NEW.epoch <= (SELECT MAX(epoch) FROM audit)
        BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
    INSERT INTO takeovers
        SELECT worker, epoch, uuid, deploy_time_ms, registered_at_ms,
            MAX(at_ms) OVER until_then, MAX(at_ms) OVER until_then, 0, retirement
        FROM (
            SELECT worker, uuid, deploy_time_ms, registered_at_ms,
                COALESCE(LAG(retired_epoch) OVER in_order, 0) AS epoch,
                COALESCE(LAG(retired_at_ms) OVER in_order, registered_at_ms) AS at_ms,
                COALESCE(LAG(retirement) OVER in_order, 'superseded') AS retirement
            FROM bundles
            WINDOW in_order AS (
                PARTITION BY worker ORDER BY retired_epoch IS NULL, retired_epoch
            )
        )
        WINDOW until_then AS (PARTITION BY worker ORDER BY epoch);
    INSERT INTO meta SELECT 'decided_at_ms', MAX(stop_at_ms) FROM takeovers HAVING COUNT(*) > 0;
    DROP TABLE bundles",
];
