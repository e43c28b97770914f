#include "report/report.h"
#include "report/report_json.h"
#include "report/report_text.h"
#include "support/parallel.h"

namespace qprep {

CheckResult check_result_of_plan(const Report& report) {
  constexpr std::size_t kWorthAThread = 1000;  // nodes
  CheckResult result;
  parallel_for(2, report.nodes.size() < kWorthAThread ? 1 : 0, [&](std::size_t part) {
    if (part == 0) {
      result.json = json_of_plan(report);
    } else {
      result.text = text_of_plan(report);
      result.summary = text_of_summary(report);
    }
  });
  return result;
}

void complete(CheckResult& result, const Report& report) {
  result.text += text_of_run(report) + result.summary;
  result.json += json_of_run(report);
}

}  // namespace qprep
