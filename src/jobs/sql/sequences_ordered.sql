-- Newest first; of two events at the same time the later line of the log is the newer one.
SELECT user_number, item_key, CAST(code AS INTEGER) AS code, CAST(time_ms AS DOUBLE) AS time_ms
FROM sequence_events
ORDER BY user_number, time_ms DESC, file_index DESC, file_row_number DESC
