-- Times are epoch milliseconds. Hashes are keyed (HMAC-SHA-256, 16 bytes); sealed values are AES-256-GCM.

CREATE TABLE secrets (
  name    TEXT PRIMARY KEY,
  wrapped BLOB NOT NULL                                        -- under ENCRYPTION_KEY
) STRICT;

CREATE TABLE jobs (
  job_no       INTEGER PRIMARY KEY AUTOINCREMENT,
  job_id       TEXT    NOT NULL UNIQUE,
  kind         TEXT    NOT NULL CHECK (kind IN ('merge', 'profile')),
  caller       TEXT    NOT NULL,
  sealed       INTEGER NOT NULL CHECK (sealed IN (0, 1)),     -- 0 while an upload is still arriving
  staged_upto  INTEGER,                                       -- contacts up to this one are released; NULL: all are
  created_at   INTEGER NOT NULL,
  completed_at INTEGER,
  attempts     INTEGER NOT NULL DEFAULT 0,
  received     INTEGER NOT NULL DEFAULT 0,
  accepted     INTEGER NOT NULL DEFAULT 0,
  duplicates   INTEGER NOT NULL DEFAULT 0,
  rejected     INTEGER NOT NULL DEFAULT 0,
  waiting      INTEGER NOT NULL DEFAULT 0,                     -- where the accepted ones stand:
  in_flight    INTEGER NOT NULL DEFAULT 0,                     -- these five add up to accepted
  submitted    INTEGER NOT NULL DEFAULT 0,
  confirmed    INTEGER NOT NULL DEFAULT 0,
  failed       INTEGER NOT NULL DEFAULT 0,
  status       TEXT GENERATED ALWAYS AS (
    CASE
      WHEN sealed = 0 THEN 'accepted'
      WHEN failed = accepted AND (accepted > 0 OR received > 0) THEN 'failed'
      WHEN confirmed = accepted AND sealed = 1 AND accepted > 0 THEN 'completed'
      WHEN confirmed + failed = accepted AND accepted > 0       THEN 'partially_failed'
      WHEN waiting + in_flight = 0 AND accepted > 0             THEN 'submitted'
      WHEN in_flight + submitted + confirmed + failed > 0       THEN 'submitting'
      ELSE 'accepted'
    END) VIRTUAL
) STRICT;

CREATE INDEX jobs_by_status ON jobs (status, job_no);

-- Sums over all jobs, so that the depth of the queue is one read however many jobs there are.
CREATE TABLE totals (
  only_row  INTEGER PRIMARY KEY CHECK (only_row = 1),
  waiting   INTEGER NOT NULL,
  in_flight INTEGER NOT NULL,
  submitted INTEGER NOT NULL,
  confirmed INTEGER NOT NULL,
  failed    INTEGER NOT NULL
) STRICT;

INSERT INTO totals VALUES (1, 0, 0, 0, 0, 0);

CREATE TRIGGER jobs_count_insert AFTER INSERT ON jobs
BEGIN
  UPDATE totals
     SET waiting   = waiting   + NEW.waiting,
         in_flight = in_flight + NEW.in_flight,
         submitted = submitted + NEW.submitted,
         confirmed = confirmed + NEW.confirmed,
         failed    = failed    + NEW.failed;
END;

CREATE TRIGGER jobs_count_update AFTER UPDATE OF waiting, in_flight, submitted, confirmed, failed ON jobs
BEGIN
  UPDATE totals
     SET waiting   = waiting   + NEW.waiting   - OLD.waiting,
         in_flight = in_flight + NEW.in_flight - OLD.in_flight,
         submitted = submitted + NEW.submitted - OLD.submitted,
         confirmed = confirmed + NEW.confirmed - OLD.confirmed,
         failed    = failed    + NEW.failed    - OLD.failed;
END;

CREATE TRIGGER jobs_count_delete AFTER DELETE ON jobs
BEGIN
  UPDATE totals
     SET waiting   = waiting   - OLD.waiting,
         in_flight = in_flight - OLD.in_flight,
         submitted = submitted - OLD.submitted,
         confirmed = confirmed - OLD.confirmed,
         failed    = failed    - OLD.failed;
END;

CREATE TABLE persons (
  person_id      INTEGER PRIMARY KEY AUTOINCREMENT,
  email_hash     BLOB,
  name_hash      BLOB,
  cxone_hash     BLOB,                                         -- of the contact id CXone gave
  current        BLOB,                                         -- sealed: what CXone holds, as last submitted
  fingerprint    BLOB,                                         -- of that, to see that nothing changed
  in_flight      BLOB,                                         -- fingerprint of what is being sent
  granted_email  INTEGER,                                      -- newest evidence per channel and side
  refused_email  INTEGER,
  granted_sms    INTEGER,
  refused_sms    INTEGER,
  granted_phone  INTEGER,
  refused_phone  INTEGER,
  rank           INTEGER,                                      -- turn of its oldest waiting contact; NULL: nothing waits
  held_by        TEXT,                                         -- request in flight for this person; NULL: none
  held_until     INTEGER,                                      -- a hold that ends by itself (a merge not yet confirmed)
  available_rank INTEGER GENERATED ALWAYS AS (CASE WHEN held_by IS NULL THEN rank END) VIRTUAL
) STRICT;

CREATE INDEX persons_available  ON persons (available_rank) WHERE available_rank IS NOT NULL;
CREATE INDEX persons_held       ON persons (held_by)        WHERE held_by IS NOT NULL;
CREATE INDEX persons_held_until ON persons (held_until)     WHERE held_until IS NOT NULL;
CREATE INDEX persons_cxone      ON persons (cxone_hash)     WHERE cxone_hash IS NOT NULL;

-- The person's own key, under ENCRYPTION_KEY. Rows come at the end and are only ever overwritten in place, by as many
-- bytes: SQLite never moves them then, so that no stale copy outlives the zeros that an erasure writes.
CREATE TABLE person_keys (
  person_id INTEGER PRIMARY KEY,
  wrapped   BLOB    NOT NULL
) STRICT;

CREATE TRIGGER person_keys_no_delete BEFORE DELETE ON person_keys
BEGIN SELECT RAISE(ABORT, 'keys are overwritten in place'); END;

CREATE TABLE identifiers (
  hash      BLOB    NOT NULL,                                  -- the kind is part of what is hashed
  person_id INTEGER NOT NULL,
  kind      TEXT    NOT NULL CHECK (kind IN ('email', 'phone', 'crm', 'profile')),
  PRIMARY KEY (hash, person_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX identifiers_person ON identifiers (person_id);

CREATE TABLE contacts (
  contact_no   INTEGER PRIMARY KEY AUTOINCREMENT,
  job_no       INTEGER NOT NULL,
  idx          INTEGER NOT NULL,
  person_id    INTEGER,                                        -- NULL: rejected
  state        TEXT    NOT NULL,                               -- domain/delivery/states.ts
  duplicate_of INTEGER,                                        -- shares the fate of that index of its job
  reason       TEXT,
  received_at  INTEGER NOT NULL,
  settled_at   INTEGER,
  request_id   TEXT,                                           -- chunk that carries or carried it
  overridden   INTEGER NOT NULL DEFAULT 0,                     -- 1: consent was overridden for this contact, by name and reason
  payload      BLOB                                            -- sealed under the person's key
) STRICT;

CREATE UNIQUE INDEX contacts_job     ON contacts (job_no, idx);
CREATE INDEX contacts_person         ON contacts (person_id, state) WHERE person_id IS NOT NULL;
CREATE INDEX contacts_request        ON contacts (request_id) WHERE state = 'in_flight';
CREATE INDEX contacts_submitted       ON contacts (settled_at) WHERE state = 'submitted';
CREATE INDEX contacts_unconfirmed     ON contacts (contact_no) WHERE state = 'unconfirmed';

-- Batches acknowledged under load that are still to be filed under their people; empty when there is no load.
CREATE TABLE journal (
  journal_no  INTEGER PRIMARY KEY AUTOINCREMENT,
  job_no      INTEGER NOT NULL,
  contacts    INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  sealed      BLOB    NOT NULL                                  -- contacts and what was decided of each
) STRICT;

CREATE INDEX journal_job ON journal (job_no);

CREATE TABLE chunks (
  request_id       TEXT    PRIMARY KEY,                        -- X-Request-ID, stored before the first attempt
  people           INTEGER NOT NULL,
  attempts         INTEGER NOT NULL DEFAULT 0,
  first_attempt_at INTEGER NOT NULL,
  due_at           INTEGER NOT NULL,
  lease_until      INTEGER NOT NULL DEFAULT 0,
  fence            INTEGER NOT NULL DEFAULT 0,
  unknown          INTEGER NOT NULL DEFAULT 0,                 -- 1: an earlier attempt may have been applied
  reason           TEXT
) STRICT;

CREATE INDEX chunks_due ON chunks (due_at);

CREATE TABLE patches (
  request_id       TEXT    PRIMARY KEY,
  job_no           INTEGER NOT NULL,
  person_id        INTEGER NOT NULL,                           -- of the profile: one patch in flight for each
  profile_id       TEXT    NOT NULL,
  patch_no         INTEGER NOT NULL,                           -- its place among those of its profile
  state            TEXT    NOT NULL CHECK (state IN ('waiting', 'in_flight', 'confirmed', 'set_aside', 'cancelled')),
  attempts         INTEGER NOT NULL DEFAULT 0,
  first_attempt_at INTEGER NOT NULL,
  due_at           INTEGER NOT NULL,
  lease_until      INTEGER NOT NULL DEFAULT 0,
  fence            INTEGER NOT NULL DEFAULT 0,
  unknown          INTEGER NOT NULL DEFAULT 0,
  reason           TEXT,
  payload          BLOB                                        -- sealed: patch and facts
) STRICT;

CREATE INDEX patches_due     ON patches (due_at)              WHERE state IN ('waiting', 'in_flight');
CREATE INDEX patches_profile ON patches (person_id, patch_no) WHERE state IN ('waiting', 'in_flight');
CREATE INDEX patches_job     ON patches (job_no);

CREATE TABLE dead_letters (
  dead_letter_id TEXT    PRIMARY KEY,                          -- UUIDv7, so in order of time
  api            TEXT    NOT NULL CHECK (api IN ('contacts', 'profiles')),
  contact_no     INTEGER,
  patch_id       TEXT,
  person_id      INTEGER NOT NULL,
  job_no         INTEGER NOT NULL,
  idx            INTEGER NOT NULL,
  reason         TEXT    NOT NULL,                             -- CXone's own words
  attempts       INTEGER NOT NULL,
  created_at     INTEGER NOT NULL
) STRICT;

CREATE INDEX dead_letters_person ON dead_letters (person_id);

-- When calls to CXone went out: they count in the tenant's window after a restart too.
CREATE TABLE calls (
  call_no INTEGER PRIMARY KEY AUTOINCREMENT,
  sent_at INTEGER NOT NULL
) STRICT;

CREATE INDEX calls_sent ON calls (sent_at);

CREATE TABLE webhook_events (
  event_id    TEXT    PRIMARY KEY,
  body_hash   TEXT    NOT NULL,
  type        TEXT    NOT NULL,
  target_hash BLOB,                                            -- of the contact or profile id
  request_id  TEXT,
  received_at INTEGER NOT NULL,
  confirms    INTEGER NOT NULL,
  applied     INTEGER NOT NULL                                 -- 0: speaks of an id we have not met yet
) STRICT;

CREATE INDEX webhook_events_open ON webhook_events (target_hash) WHERE applied = 0;
CREATE INDEX webhook_events_age  ON webhook_events (received_at);

CREATE TABLE exports (
  export_no   INTEGER PRIMARY KEY AUTOINCREMENT,
  person_id   INTEGER NOT NULL,
  job_no      INTEGER NOT NULL,
  merged_at   INTEGER NOT NULL,
  state       TEXT    NOT NULL CHECK (state IN ('waiting', 'in_flight', 'delivered', 'set_aside', 'cancelled')),
  message_id  TEXT,
  reason      TEXT
) STRICT;

CREATE INDEX exports_waiting ON exports (export_no)  WHERE state = 'waiting';
CREATE INDEX exports_person  ON exports (person_id)  WHERE state IN ('waiting', 'in_flight');
CREATE INDEX exports_message ON exports (message_id) WHERE state = 'in_flight';

CREATE TABLE export_messages (
  message_id       TEXT    PRIMARY KEY,                        -- webhook-id, stored before the first attempt
  attempts         INTEGER NOT NULL DEFAULT 0,
  first_attempt_at INTEGER NOT NULL,
  due_at           INTEGER NOT NULL,
  lease_until      INTEGER NOT NULL DEFAULT 0,
  fence            INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX export_messages_due ON export_messages (due_at);

CREATE TABLE consent_events (
  event_no    INTEGER PRIMARY KEY AUTOINCREMENT,
  person_id   INTEGER NOT NULL,
  job_no      INTEGER,
  recorded_at INTEGER NOT NULL,
  captured_at INTEGER,                                         -- as the source said it; NULL: it did not
  event       TEXT    NOT NULL CHECK (event IN ('asserted', 'withdrawn')),
  email       INTEGER,                                         -- 1 granted, 0 refused, NULL nothing said
  sms         INTEGER,
  phone       INTEGER,
  evidence    BLOB                                             -- sealed: source, reason
) STRICT;

CREATE INDEX consent_events_person ON consent_events (person_id);

CREATE TRIGGER consent_events_no_update BEFORE UPDATE ON consent_events
BEGIN SELECT RAISE(ABORT, 'the consent ledger is append-only'); END;

-- Withdrawals by the identifier that they named, for whoever comes to bear it: when each channel was last withdrawn.
CREATE TABLE withdrawals (
  hash  BLOB    PRIMARY KEY,
  email INTEGER,
  sms   INTEGER,
  phone INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency (
  caller     TEXT    NOT NULL,
  key_hash   BLOB    NOT NULL,
  body_hash  TEXT    NOT NULL,
  status     INTEGER NOT NULL,
  body       TEXT    NOT NULL,                                 -- the answer: counts and codes, no personal data
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (caller, key_hash)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_age ON idempotency (expires_at);

CREATE TABLE audit_entries (
  sequence   INTEGER PRIMARY KEY,                              -- gapless from 0: the leaf's index in the tree
  created_at INTEGER NOT NULL,
  action     TEXT    NOT NULL,
  actor      TEXT    NOT NULL,
  leaf       TEXT    NOT NULL                                  -- the entry, RFC 8785: exactly the bytes that are hashed
) STRICT;

-- The sequence is the row id, by which each index is in order already. Times never go down with it: no index is needed to find one.
CREATE INDEX audit_entries_action ON audit_entries (action);
CREATE INDEX audit_entries_actor  ON audit_entries (actor);

CREATE TABLE audit_refs (
  ref      BLOB    NOT NULL,                                   -- hash of a job, profile or subject
  sequence INTEGER NOT NULL,
  PRIMARY KEY (ref, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit_nodes (
  sequence INTEGER PRIMARY KEY,                                -- of the entry that completed these nodes of the tree
  hashes   BLOB    NOT NULL                                    -- 32 bytes each: its leaf, then the subtrees that end with it, lowest first
) STRICT;

CREATE TRIGGER audit_entries_no_update BEFORE UPDATE ON audit_entries
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;

CREATE TRIGGER audit_entries_no_delete BEFORE DELETE ON audit_entries
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;

CREATE TRIGGER audit_nodes_no_update BEFORE UPDATE ON audit_nodes
BEGIN SELECT RAISE(ABORT, 'the audit tree is append-only'); END;

CREATE TRIGGER audit_nodes_no_delete BEFORE DELETE ON audit_nodes
BEGIN SELECT RAISE(ABORT, 'the audit tree is append-only'); END;
