-- Erasure (GDPR Article 17), retention, and the change of ENCRYPTION_KEY.

CREATE TABLE erasures (
  erasure_no         INTEGER PRIMARY KEY AUTOINCREMENT,
  erasure_id         TEXT    NOT NULL UNIQUE,
  requested_at       INTEGER NOT NULL,
  actor              TEXT    NOT NULL,
  reason             TEXT    NOT NULL,
  step               TEXT    NOT NULL CHECK (step IN ('rows', 'bytes', 'notices', 'notice_keys', 'notice_bytes', 'completed')),
  facts              TEXT    NOT NULL,                         -- JSON: how it stands and counts, nothing personal
  completed_at       INTEGER,
  completed_sequence INTEGER                                   -- of the audit entry that says so
) STRICT;

CREATE INDEX erasures_open ON erasures (erasure_no) WHERE step <> 'completed';

-- Keys that notices of an erasure are sealed under. As with person_keys, rows are only overwritten in place.
CREATE TABLE erasure_keys (
  erasure_no INTEGER PRIMARY KEY,
  wrapped    BLOB    NOT NULL
) STRICT;

-- The key that batches in the journal are sealed under; overwritten in place once they are filed and somebody is erased.
CREATE TABLE journal_key (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
  wrapped  BLOB    NOT NULL
) STRICT;

CREATE TABLE erasure_people (
  erasure_no INTEGER NOT NULL,
  person_id  INTEGER NOT NULL,
  PRIMARY KEY (erasure_no, person_id)
) STRICT, WITHOUT ROWID;

-- What recipients are still to be told: the id under which they know the person, sealed, and gone once they have it.
CREATE TABLE erasure_notices (
  message_id       TEXT    PRIMARY KEY,                        -- webhook-id, stored before the first attempt
  erasure_no       INTEGER NOT NULL,
  person_id        INTEGER NOT NULL,
  attempts         INTEGER NOT NULL DEFAULT 0,
  first_attempt_at INTEGER NOT NULL,
  due_at           INTEGER NOT NULL,
  lease_until      INTEGER NOT NULL DEFAULT 0,
  fence            INTEGER NOT NULL DEFAULT 0,
  sealed           BLOB    NOT NULL
) STRICT;

CREATE INDEX erasure_notices_due ON erasure_notices (due_at);
CREATE INDEX erasure_notices_erasure ON erasure_notices (erasure_no);

-- What is left of an erased person: keyed hashes, to know the person again at the next import.
CREATE TABLE tombstones (
  hash       BLOB    NOT NULL,                                 -- as in identifiers
  email_hash BLOB    NOT NULL,                                 -- of the same person; empty: none was known
  name_hash  TEXT,                                             -- word by word; only where no e-mail was known
  kind       TEXT    NOT NULL,
  erased_at  INTEGER NOT NULL,
  erasure_no INTEGER NOT NULL,
  PRIMARY KEY (hash, email_hash)
) STRICT, WITHOUT ROWID;

CREATE INDEX tombstones_erasure ON tombstones (erasure_no);

-- The id under which marketing was told of the person; sealed under the person's key.
ALTER TABLE exports ADD COLUMN external_id BLOB;

ALTER TABLE idempotency ADD COLUMN job_no INTEGER;

CREATE INDEX idempotency_job ON idempotency (job_no) WHERE job_no IS NOT NULL;
CREATE INDEX exports_of_person ON exports (person_id);
CREATE INDEX contacts_kept ON contacts (settled_at) WHERE payload IS NOT NULL AND state IN ('confirmed', 'unconfirmed', 'unchanged', 'superseded', 'cancelled');

-- Small things that upkeep must not forget over a restart.
CREATE TABLE upkeep (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
