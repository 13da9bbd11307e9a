-- Engagements that some column counts, narrow: which query, item, and bucket (an action in one span between window starts).
CREATE OR REPLACE TABLE counted AS
SELECT
  queries.query_id,
  events.item_key,
  buckets.bucket,
  events.country,
  events.gender,
  events.device,
  events.language
FROM events_checked AS events
JOIN buckets
  ON buckets.action = events.action AND events.time_ms >= buckets.from_ms AND events.time_ms < buckets.until_ms
JOIN query_texts AS texts ON texts.query = events.query
JOIN query_ids AS queries ON queries.query_key = texts.query_key
WHERE events.reason IS NULL
  AND (${catalogue} = 0 OR events.item IN (SELECT item FROM catalogue));
