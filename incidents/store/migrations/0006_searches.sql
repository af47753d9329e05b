CREATE TABLE searches (
    id INTEGER NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    query TEXT NOT NULL,
    narrowed JSON NOT NULL,
    made_by TEXT NOT NULL,
    made_at BIGINT NOT NULL
)
