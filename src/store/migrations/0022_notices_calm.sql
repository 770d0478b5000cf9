-- A trouble that comes and goes is not told each time: not before `tell_us`.
ALTER TABLE notice ADD COLUMN tell_us INTEGER NOT NULL DEFAULT 0;

CREATE INDEX notice_topic ON notice (site_id, topic);
