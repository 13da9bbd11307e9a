CREATE OR REPLACE VIEW entries AS
SELECT 0 AS value_id, query_id AS group_id, item_key, bucket, events
FROM query_entries;
