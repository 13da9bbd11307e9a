-- Requests from the split time on in which something was engaged with: when, whose, what was shown, what was done.
CREATE OR REPLACE TABLE eval_requests AS
SELECT
  request_id,
  min(time_ms) AS time_ms,
  min(user_id) AS user_id,
  min(query) AS query,
  min(country) AS country,
  min(gender) AS gender,
  min(device) AS device,
  min(language) AS language,
  count(DISTINCT user_id) AS users,
  count(DISTINCT query) AS queries,
  list(item) AS items,
  list(action) AS actions
FROM events_checked
WHERE reason IS NULL AND request_id IS NOT NULL
GROUP BY request_id
HAVING min(time_ms) >= ${split_ms} AND count(DISTINCT item) > 1 AND bool_or(action <> 'impression');
