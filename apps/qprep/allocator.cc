/// jemalloc reads its settings here. Pages that were freed stay with the process, which is short-lived and
/// soon needs them again; models' payloads are mapped files and no part of this. Freed memory serves what is
/// asked for next however much smaller that is (usually: down to 1/64), since pieces that nothing fits would
/// never be given back.
extern "C" {
extern const char* const malloc_conf;
const char* const malloc_conf = "dirty_decay_ms:-1,muzzy_decay_ms:-1,lg_extent_max_active_fit:30";
}
