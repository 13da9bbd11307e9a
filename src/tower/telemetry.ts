/**
 * ONNX Runtime 1.30 reports its use to its vendor, with a database in $HOME and a log per process in the temporary folder,
 * unless this variable is set before the first session. Imported for that effect wherever sessions begin; from a worker
 * it would be too late, whose environment native code does not see.
 */
process.env.ORT_DISABLE_TELEMETRY = '1'
