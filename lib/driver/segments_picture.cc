#include "driver/segments_picture.h"

#include <fmt/format.h>

#include "report/flow_dot.h"
#include "support/atomic_file.h"
#include "support/codes.h"

namespace qprep {

SegmentsPicture::SegmentsPicture(const Model& model, const Plan& plan, const std::string& name,
                                 const std::string& march)
    : dot_(to_dot(drawn_flow(flow_of(model, plan)), name, march)),
      drawing_(std::make_unique<DrawingProcess>(dot_, GraphvizPlaces::of_process())) {}

std::vector<std::filesystem::path> SegmentsPicture::write(const std::filesystem::path& folder,
                                                          const std::string& prefix, bool durable,
                                                          Diagnostics& diagnostics) {
  const auto path = [&](std::string_view end) {
    return (folder / fmt::format("{}_segments.{}", prefix, end)).lexically_normal();
  };
  write_file_atomically(path("dot"), dot_, durable);
  const Drawing drawing = drawing_->finish();
  if (drawing.why_not.empty()) {
    write_file_atomically(path("svg"), drawing.svg, durable);
    return {path("dot"), path("svg")};
  }
  AtomicFile(path("svg"), durable).remove_target();
  diagnostics.warning(codes::kNotDrawn,
                      fmt::format("the picture of the segments is not drawn: {}; its graph is in '{}'",
                                  drawing.why_not, path("dot").filename().string()),
                      {path("svg").string()});
  return {path("dot")};
}

}  // namespace qprep
