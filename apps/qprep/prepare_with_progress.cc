#include "prepare_with_progress.h"

#include "progress_line.h"

namespace qprep {

PrepareResult prepare_with_progress(PrepareOptions options, const Console& console,
                                    Diagnostics& diagnostics) {
  ProgressLine progress(console);
  options.progress = [&](std::string_view doing, std::size_t done, std::size_t total) {
    progress.update(doing, done, total);
  };
  return prepare(options, diagnostics);
}

}  // namespace qprep
