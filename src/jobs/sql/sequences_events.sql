-- Engagements before the as-of time, narrow; users are numbered in the byte order of their store keys.
CREATE OR REPLACE TABLE sequence_users AS
SELECT CAST(row_number() OVER (ORDER BY concat(user_id, '}')) AS INTEGER) AS user_number, user_id
FROM (
  SELECT DISTINCT user_id
  FROM events_checked
  WHERE reason IS NULL AND user_id IS NOT NULL AND time_ms < ${as_of_ms}
) AS found;

CREATE OR REPLACE TABLE sequence_events AS
SELECT users.user_number, events.item_key, known.code, events.time_ms, events.file_index, events.file_row_number
FROM events_checked AS events
JOIN known_actions AS known ON known.action = events.action AND known.code > 0
JOIN sequence_users AS users ON users.user_id = events.user_id
WHERE events.reason IS NULL
  AND events.time_ms < ${as_of_ms}
  AND (${catalogue} = 0 OR events.item IN (SELECT item FROM catalogue));
