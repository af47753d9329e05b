ALTER TABLE mentions ADD COLUMN forgotten TEXT
--
ALTER TABLE events ADD COLUMN redacted_at BIGINT
--
CREATE INDEX mentions_age ON mentions (forgotten, first_seen)
--
CREATE INDEX mentions_unmatched ON mentions (first_seen) WHERE matched = 0 AND forgotten IS NULL
--
CREATE TABLE tombstones (
	kind TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	value TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	done_at BIGINT, 
	erased INTEGER DEFAULT '0' NOT NULL, 
	PRIMARY KEY (kind, digest)
)
--
CREATE TABLE retention_proofs (
	day TEXT NOT NULL, 
	cut BIGINT NOT NULL, 
	let_go INTEGER NOT NULL, 
	kept_bare INTEGER NOT NULL, 
	digest TEXT NOT NULL, 
	PRIMARY KEY (day)
)
