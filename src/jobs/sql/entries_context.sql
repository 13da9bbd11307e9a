-- Counts of every (value of a context column, query, item, bucket). Values are numbered in the byte order of store keys.
CREATE OR REPLACE TABLE segment_values AS
SELECT CAST(row_number() OVER (ORDER BY concat(value, ':')) AS INTEGER) AS value_id, value
FROM (SELECT DISTINCT ${column} AS value FROM counted WHERE ${column} IS NOT NULL) AS found;

CREATE OR REPLACE VIEW entries AS
SELECT segment_values.value_id, counted.query_id AS group_id, counted.item_key, counted.bucket, count(*) AS events
FROM counted
JOIN segment_values ON segment_values.value = counted.${column}
GROUP BY segment_values.value_id, counted.query_id, counted.item_key, counted.bucket;
