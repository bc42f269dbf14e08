-- References of the audit trail, in runs: a run takes what comes until it is full, then the next one begins. References
-- are random, so each costs a page of what it goes into; a run is small enough for its pages to be met again and again.

CREATE TABLE audit_ref_runs (
  run   INTEGER PRIMARY KEY,
  first INTEGER NOT NULL UNIQUE                                -- sequence of the first entry whose references are in it
) STRICT;

INSERT INTO audit_ref_runs (run, first) VALUES (0, 0);

CREATE TABLE audit_refs_in_runs (
  run      INTEGER NOT NULL,
  ref      BLOB    NOT NULL,                                   -- hash of a job, profile or subject
  sequence INTEGER NOT NULL,
  PRIMARY KEY (run, ref, sequence)
) STRICT, WITHOUT ROWID;

INSERT INTO audit_refs_in_runs (run, ref, sequence) SELECT 0, ref, sequence FROM audit_refs ORDER BY ref, sequence;
DROP TABLE audit_refs;
ALTER TABLE audit_refs_in_runs RENAME TO audit_refs;
