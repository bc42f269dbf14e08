-- Old entries of the audit trail go from its beginning; their nodes stay, so that the tree is what it was.

CREATE TABLE audit_pruned (
  id   INTEGER PRIMARY KEY CHECK (id = 1),
  size INTEGER NOT NULL                                        -- entries below this sequence are no longer kept
) STRICT;

INSERT INTO audit_pruned (id, size) VALUES (1, 0);

DROP TRIGGER audit_entries_no_delete;

CREATE TRIGGER audit_entries_no_delete BEFORE DELETE ON audit_entries
WHEN OLD.sequence >= (SELECT size FROM audit_pruned)
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;

CREATE TRIGGER audit_pruned_only_grows BEFORE UPDATE ON audit_pruned
WHEN NEW.size < OLD.size
BEGIN SELECT RAISE(ABORT, 'what was pruned stays pruned'); END;
