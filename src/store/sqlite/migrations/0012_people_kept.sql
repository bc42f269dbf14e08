-- The patches of one person: for an erasure, for access, and to see when there was the last one.
CREATE INDEX patches_person ON patches (person_id, job_no);
