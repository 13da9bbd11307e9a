-- Every event with the reason why it cannot be used, or NULL. Reads `events_source`, which each engine defines over its
-- files: time_ms BIGINT, time_text as it was written, user_id, query, item, action and the context columns as text, item_key, unreadable BOOLEAN.
CREATE OR REPLACE VIEW events_checked AS
SELECT
  source.*,
  CASE
    WHEN source.unreadable THEN 'text is not valid UTF-8'
    WHEN source.time_ms IS NULL THEN 'time is missing or not a whole number of milliseconds'
    WHEN source.time_ms < ${earliest_ms} OR source.time_ms >= ${latest_ms}
      THEN 'time is not in Unix milliseconds between 1980 and 2100'
    WHEN source.time_ms > ${future_ms} THEN 'time lies in the future'
    WHEN source.action IS NULL THEN 'action is missing'
    WHEN known.action IS NULL THEN 'action is unknown'
    WHEN source.item IS NULL OR source.item = '' THEN 'item is missing'
    WHEN source.item_key IS NULL AND ${keys_are_ids} = 1 THEN 'item is not an unsigned 64-bit number'
    WHEN length(source.item) > ${id_chars_max} THEN 'item is too long'
    WHEN length(source.user_id) > ${id_chars_max} THEN 'user is too long'
    WHEN length(source.query) > ${query_chars_max} THEN 'query is too long'
  END AS reason
FROM events_source AS source
LEFT JOIN known_actions AS known ON known.action = source.action;
