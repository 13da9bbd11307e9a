/* pr_json_find: a walk over the outermost object, and over `candidate_features` in it. */
#include <string.h>

#include "json_scan.h"

typedef struct {
  const uint8_t *bytes;
  uint32_t at, end;
  pr_json_array *arrays;
  size_t count;
} walk;

typedef struct {
  uint32_t from, to;
} span;

static bool is_space(uint8_t byte) { return byte == ' ' || byte == '\n' || byte == '\t' || byte == '\r'; }

static void skip_space(walk *w) {
  while (w->at < w->end && is_space(w->bytes[w->at])) w->at++;
}

static bool take(walk *w, uint8_t byte) {
  skip_space(w);
  if (w->at >= w->end || w->bytes[w->at] != byte) return false;
  w->at++;
  return true;
}

/* After the opening quote: moves behind the closing one. */
static bool skip_text(walk *w) {
  while (w->at < w->end) {
    const uint8_t *quote = memchr(w->bytes + w->at, '"', w->end - w->at);
    if (!quote) return false;
    uint32_t at = (uint32_t)(quote - w->bytes), first = at;
    while (first > w->at && w->bytes[first - 1] == '\\') first--;
    w->at = at + 1;
    if ((at - first) % 2 == 0) return true;
  }
  return false;
}

static bool take_name(walk *w, span *name) {
  if (!take(w, '"')) return false;
  name->from = w->at;
  if (!skip_text(w)) return false;
  name->to = w->at - 1;
  return take(w, ':');
}

static bool named(const walk *w, span name, const char *text) {
  size_t length = strlen(text);
  return name.to - name.from == length && memcmp(w->bytes + name.from, text, length) == 0;
}

/* Any value: brackets are counted, not matched, since JSON.parse will see these bytes. */
static bool skip_value(walk *w) {
  uint32_t depth = 0;
  skip_space(w);
  while (w->at < w->end) {
    uint8_t byte = w->bytes[w->at];
    if (depth == 0 && (byte == ',' || byte == '}' || byte == ']')) return true;
    w->at++;
    if (byte == '"' && !skip_text(w)) return false;
    if (byte == '{' || byte == '[') depth++;
    if ((byte == '}' || byte == ']') && depth > 0) depth--;
  }
  return false;
}

static uint32_t count_commas(const uint8_t *bytes, size_t length) {
  uint32_t commas = 0;
  for (size_t i = 0; i < length; i++) commas += bytes[i] == ',';
  return commas;
}

/* Moves behind the closing bracket and counts the elements; texts may hold commas and brackets. */
static bool skip_flat_array(walk *w, uint32_t *count) {
  *count = 1;
  for (;;) {
    const uint8_t *from = w->bytes + w->at;
    const uint8_t *end = memchr(from, ']', w->end - w->at);
    if (!end) return false;
    const uint8_t *quote = memchr(from, '"', (size_t)(end - from));
    const uint8_t *stop = quote ? quote : end;
    *count += count_commas(from, (size_t)(stop - from));
    w->at = (uint32_t)(stop - w->bytes) + 1;
    if (!quote) return true;
    if (!skip_text(w)) return false;
  }
}

static bool take_array(walk *w, span name, bool is_candidates) {
  uint32_t count, from;
  skip_space(w);
  from = w->at;
  if (!take(w, '[')) return skip_value(w);
  if (!skip_flat_array(w, &count)) return false;
  if (w->at - from < PR_JSON_ARRAY_BYTES_MIN) return true;
  if (w->count == PR_JSON_ARRAYS_MAX) return false;
  w->arrays[w->count++] = (pr_json_array){is_candidates, from, w->at, name.from, name.to, count};
  return true;
}

static bool take_features(walk *w) {
  span name;
  if (!take(w, '{')) return skip_value(w);
  if (take(w, '}')) return true;
  do {
    if (!take_name(w, &name) || !take_array(w, name, false)) return false;
  } while (take(w, ','));
  return take(w, '}');
}

static bool take_member(walk *w) {
  span name;
  if (!take_name(w, &name)) return false;
  if (named(w, name, "candidates")) return take_array(w, name, true);
  return named(w, name, "candidate_features") ? take_features(w) : skip_value(w);
}

static bool take_body(walk *w) {
  if (!take(w, '{')) return false;
  do {
    if (!take_member(w)) return false;
  } while (take(w, ','));
  return take(w, '}');
}

size_t pr_json_find(const uint8_t *bytes, size_t length, pr_json_array arrays[PR_JSON_ARRAYS_MAX]) {
  walk w = {.bytes = bytes, .end = (uint32_t)length, .arrays = arrays};
  if (length >= UINT32_MAX) return 0;
  return take_body(&w) ? w.count : 0;
}
