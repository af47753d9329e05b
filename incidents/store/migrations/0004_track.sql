CREATE TABLE story_forecasts (
    id INTEGER NOT NULL PRIMARY KEY,
    story_id INTEGER NOT NULL,
    made_at BIGINT NOT NULL,
    matures_at BIGINT NOT NULL,
    body JSON NOT NULL,
    came FLOAT
)
--
CREATE INDEX story_forecasts_story ON story_forecasts (story_id, made_at)
--
CREATE TABLE tracks (
    brand TEXT NOT NULL PRIMARY KEY,
    made_at BIGINT NOT NULL,
    body JSON NOT NULL
)
--
CREATE INDEX forecasts_due ON forecasts (matures_at) WHERE came IS NULL
