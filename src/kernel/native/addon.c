/* The addon's surface: table mapping (src/items), hashIds, resolve, score. */
#include <node_api.h>

#include "../../items/native/napi_help.h"
#include "call.h"

NAPI_MODULE_INIT() {
  const napi_property_descriptor functions[] = {
      PR_FUNCTION("hashIds", pr_hash_ids_export),
      PR_FUNCTION("resolve", pr_resolve_export),
      PR_FUNCTION("score", pr_score_export),
  };
  napi_define_properties(env, exports, sizeof functions / sizeof *functions, functions);
  pr_mapped_exports(env, exports);
  return exports;
}
