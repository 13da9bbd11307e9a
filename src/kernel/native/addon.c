/*
 * The addon's surface: table mapping (src/items), hashIds, resolve, score, and what src/http needs: the columns of JSON bodies,
 * and a second descriptor of a socket.
 */
#include <node_api.h>

#include "../../http/native/duplicate.h"
#include "../../http/native/json_addon.h"
#include "../../items/native/checksum.h"
#include "../../items/native/gather.h"
#include "../../items/native/napi_help.h"
#include "call.h"
#include "priority.h"
#include "trim.h"

NAPI_MODULE_INIT() {
  const napi_property_descriptor functions[] = {
      PR_FUNCTION("tableGather", pr_table_gather_export),
      PR_FUNCTION("tableChecksum", pr_table_checksum_export),
      PR_FUNCTION("hashIds", pr_hash_ids_export),
      PR_FUNCTION("resolve", pr_resolve_export),
      PR_FUNCTION("score", pr_score_export),
      PR_FUNCTION("lowerPriority", pr_lower_priority_export),
      PR_FUNCTION("trimMemory", pr_trim_memory_export),
      PR_FUNCTION("duplicate", pr_duplicate_export),
      PR_FUNCTION("jsonFind", pr_json_find_export),
      PR_FUNCTION("jsonIds", pr_json_ids_export),
      PR_FUNCTION("jsonNumbers", pr_json_numbers_export),
      PR_FUNCTION("jsonAnswer", pr_json_answer_export),
  };
  napi_define_properties(env, exports, sizeof functions / sizeof *functions, functions);
  pr_mapped_exports(env, exports);
  return exports;
}
