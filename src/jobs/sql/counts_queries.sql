-- Counts of every (query, item, bucket) over everyone; tokens are summed from them.
CREATE OR REPLACE TABLE query_entries AS
SELECT query_id, item_key, bucket, count(*) AS events
FROM counted
GROUP BY query_id, item_key, bucket;
