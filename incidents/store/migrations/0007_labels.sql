CREATE TABLE labels (
    id INTEGER NOT NULL PRIMARY KEY,
    mention_id INTEGER NOT NULL,
    brand TEXT NOT NULL,
    field TEXT NOT NULL,
    value TEXT NOT NULL,
    said TEXT NOT NULL,
    negative FLOAT NOT NULL,
    neutral FLOAT NOT NULL,
    positive FLOAT NOT NULL,
    model TEXT NOT NULL,
    drawn TEXT NOT NULL,
    dated BIGINT NOT NULL,
    made_by TEXT NOT NULL,
    made_at BIGINT NOT NULL
)
--
CREATE INDEX labels_brand ON labels (brand, mention_id)
