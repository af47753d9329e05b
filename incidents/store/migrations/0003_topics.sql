ALTER TABLE stories ADD COLUMN terms JSON
--
ALTER TABLE story_mentions ADD COLUMN shared JSON
