// Raises the opset of ONNX files, for tests/opset/*.py.
//   raise_tool steps                     the table of version steps, as tab-separated lines
//   raise_tool like-input                the operators whose result has the type of their first input
//   raise_tool TARGET IN.onnx OUT.onnx   one file
//   raise_tool batch                     lines "TARGET<tab>IN<tab>OUT" from stdin; one line back for each:
//                                        "raised", "refused: ...", "failed: ..." (a diagnostic of another
//                                        kind) or "crashed: ..." (an exception that is none)
#include <exception>
#include <fstream>
#include <iostream>
#include <string>

#include "ir/verify.h"
#include "onnx_io/infer_shapes.h"
#include "onnx_io/onnx_file.h"
#include "opset/known_type.h"
#include "opset/raise_opset.h"
#include "opset/steps.h"
#include "support/codes.h"

namespace qprep {
namespace {

void print_steps(std::span<const Step> steps, std::string_view kind) {
  for (const Step& step : steps) {
    std::cout << kind << '\t' << step.op << '\t' << step.from << '\t' << step.to << '\t'
              << (step.adapt ? "adapter" : "same") << '\t' << step.reason << '\n';
  }
}

bool is_refusal(const Fatal& fatal) {
  for (const Diagnostic& diagnostic : fatal.diagnostics()) {
    if (diagnostic.code != codes::kOpsetRaise) return false;
  }
  return true;
}

std::string one_line(std::string text) {
  for (char& c : text) {
    if (c == '\n') c = ' ';
  }
  return text;
}

std::string raise_file(std::int64_t target, const std::string& in, const std::string& out) {
  try {
    Diagnostics diagnostics;
    OnnxFile file = read_onnx(in, diagnostics);
    infer_shapes(file, diagnostics);
    raise_opset(file.model, target, diagnostics);
    const std::vector<std::string> problems = verify(file.model);
    if (!problems.empty()) return "crashed: " + problems.front();
    write_onnx(file, out);
    return "raised";
  } catch (const Fatal& fatal) {
    return (is_refusal(fatal) ? "refused: " : "failed: ") + one_line(fatal.what());
  } catch (const std::exception& error) {
    return "crashed: " + one_line(error.what());
  }
}

int run(const std::vector<std::string>& arguments) {
  if (arguments.size() == 1 && arguments[0] == "steps") {
    print_steps(steps(), "onnx");
    print_steps(retired_steps(), "retired");
    return 0;
  }
  if (arguments.size() == 1 && arguments[0] == "like-input") {
    for (const LikeInput& row : operators_like_their_input()) std::cout << row.op << '\n';
    return 0;
  }
  if (arguments.size() == 1 && arguments[0] == "batch") {
    std::string target, in, out;
    while (std::getline(std::cin, target, '\t') && std::getline(std::cin, in, '\t') &&
           std::getline(std::cin, out)) {
      std::cout << raise_file(std::stoll(target), in, out) << std::endl;
    }
    return 0;
  }
  if (arguments.size() == 3) {
    const std::string result = raise_file(std::stoll(arguments[0]), arguments[1], arguments[2]);
    std::cout << result << '\n';
    return result == "raised" ? 0 : 1;
  }
  std::cerr << "usage: raise_tool steps | like-input | batch | TARGET IN.onnx OUT.onnx\n";
  return 2;
}

}  // namespace
}  // namespace qprep

int main(int argc, char** argv) { return qprep::run({argv + 1, argv + argc}); }
