-- Numbers for query keys and tokens in the byte order of their store keys: the brace that follows them is part of it.
CREATE OR REPLACE TABLE query_ids AS
SELECT CAST(row_number() OVER (ORDER BY concat(query_key, '}')) AS INTEGER) AS query_id, query_key
FROM (SELECT DISTINCT query_key FROM query_texts) AS keys;

CREATE OR REPLACE TABLE token_ids AS
SELECT CAST(row_number() OVER (ORDER BY concat(token, '}')) AS INTEGER) AS token_id, token
FROM (SELECT DISTINCT token FROM query_tokens) AS tokens;

CREATE OR REPLACE TABLE query_token_ids AS
SELECT DISTINCT query_ids.query_id, token_ids.token_id
FROM query_tokens
JOIN query_ids ON query_ids.query_key = query_tokens.query_key
JOIN token_ids ON token_ids.token = query_tokens.token;
