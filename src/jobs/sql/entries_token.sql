-- Counts of every (token, item, bucket): an engagement counts once for each token of its query.
CREATE OR REPLACE VIEW entries AS
SELECT 0 AS value_id, query_token_ids.token_id AS group_id, query_entries.item_key, query_entries.bucket, sum(events) AS events
FROM query_entries
JOIN query_token_ids ON query_token_ids.query_id = query_entries.query_id
GROUP BY query_token_ids.token_id, query_entries.item_key, query_entries.bucket;
