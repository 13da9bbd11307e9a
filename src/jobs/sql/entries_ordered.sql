-- The order in which blobs are packed: one group after the other, its items by key.
SELECT
  CAST(value_id AS INTEGER) AS value_id,
  CAST(group_id AS INTEGER) AS group_id,
  item_key,
  CAST(bucket AS INTEGER) AS bucket,
  CAST(events AS INTEGER) AS events
FROM entries
ORDER BY value_id, group_id, item_key, bucket
