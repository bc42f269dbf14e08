-- What is sent writes fewer pages. A webhook is looked up among those whose merge is still to be confirmed: ids of CXone
-- are random, so an index over all of them costs a page of the log for each contact, one over those few a page for many.
ALTER TABLE persons ADD COLUMN awaited INTEGER NOT NULL DEFAULT 0; -- 1: CXone took something of this person and has not said that it is merged

UPDATE persons SET awaited = 1 WHERE person_id IN (SELECT person_id FROM contacts WHERE state IN ('submitted', 'unconfirmed'));

DROP INDEX persons_cxone;
CREATE INDEX persons_awaited ON persons (cxone_hash) WHERE awaited = 1 AND cxone_hash IS NOT NULL;

-- Nobody asks who holds a person, only how many who are held have something newer that waits.
DROP INDEX persons_held;
CREATE INDEX persons_held_in_line ON persons (rank) WHERE held_by IS NOT NULL AND rank IS NOT NULL;
