-- The request that brought a job: what is filed later than it was acknowledged names it, too.
ALTER TABLE jobs ADD COLUMN request_id TEXT;
