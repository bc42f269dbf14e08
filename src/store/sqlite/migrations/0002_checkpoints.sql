-- Signed checkpoints of the audit trail: the newest one, the keys that signed, and who outside has it.

CREATE TABLE audit_head (
  id       INTEGER PRIMARY KEY CHECK (id = 1),
  size     INTEGER NOT NULL,
  note     TEXT    NOT NULL,                                   -- C2SP signed note
  quiet_at INTEGER NOT NULL                                    -- size of the tree right after its newest checkpoint entry
) STRICT;

CREATE TABLE audit_keys (
  key_no     INTEGER PRIMARY KEY AUTOINCREMENT,
  key        TEXT    NOT NULL,                                 -- verifier key: name+id+base64
  first_used INTEGER NOT NULL
) STRICT;

CREATE TABLE audit_anchors (
  place       TEXT    PRIMARY KEY,
  size        INTEGER NOT NULL,
  anchored_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
