ALTER TABLE work ADD COLUMN urgent BOOLEAN DEFAULT 0 NOT NULL
--
CREATE INDEX work_urgent ON work (kind, mention_id) WHERE urgent = 1
--
ALTER TABLE stories ADD COLUMN urgent BOOLEAN DEFAULT 0 NOT NULL
