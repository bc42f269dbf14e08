-- A signing key that is lost cannot sign the change to the next one.
ALTER TABLE audit_keys ADD COLUMN replaced TEXT;                  -- verifier key that this one took over from without its signature
ALTER TABLE audit_keys ADD COLUMN replaced_at INTEGER;            -- size of the tree at that
