-- How many rows there are with each reason; the usable ones have none.
CREATE OR REPLACE TABLE events_report AS
SELECT reason, count(*) AS events, min(time_ms) AS oldest_ms, max(time_ms) AS newest_ms
FROM events_checked
GROUP BY reason;
