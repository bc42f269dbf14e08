-- Patches that still hold something, in the order in which they came: an erasure searches them.
CREATE INDEX patches_held ON patches (job_no) WHERE payload IS NOT NULL;
