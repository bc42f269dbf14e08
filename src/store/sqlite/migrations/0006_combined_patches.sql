-- Patches of one profile that wait together go as one call.
ALTER TABLE patches ADD COLUMN call_id TEXT;                      -- X-Request-ID of the call that carries or carried it; NULL: none yet
ALTER TABLE patches ADD COLUMN call_hash TEXT;                    -- of what a call says that several share
ALTER TABLE patches ADD COLUMN alone INTEGER NOT NULL DEFAULT 0;  -- 1: goes by itself, as a call that it shared was refused

UPDATE patches SET call_id = request_id WHERE state = 'in_flight';

CREATE INDEX patches_call ON patches (call_id) WHERE state = 'in_flight';

-- A claim that is given back unsent takes its call back.
ALTER TABLE calls ADD COLUMN request_id TEXT;
