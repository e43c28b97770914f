/// jemalloc reads its settings here. Pages that were freed stay with the process, which is short-lived and
/// soon needs them again; models' payloads are mapped files and no part of this.
extern "C" {
extern const char* const malloc_conf;
const char* const malloc_conf = "dirty_decay_ms:-1,muzzy_decay_ms:-1";
}
