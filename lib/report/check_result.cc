#include "report/report.h"
#include "report/report_json.h"
#include "report/report_text.h"

namespace qprep {

CheckResult check_result_of_plan(const Report& report) {
  return {.text = text_of_plan(report), .json = json_of_plan(report), .summary = text_of_summary(report)};
}

void complete(CheckResult& result, const Report& report) {
  result.text += text_of_run(report) + result.summary;
  result.json += json_of_run(report);
}

}  // namespace qprep
