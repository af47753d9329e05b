"""The written crisis: TOML files that a non-engineer can read and write. See ``story.toml``."""
