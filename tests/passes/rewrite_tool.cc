// Runs rewrites on ONNX files, for tests/passes/*.py.
//   rewrite_tool batch                   lines "PASSES<tab>IN<tab>OUT" from stdin; one line back for each:
//                                        "done<tab>SECONDS<tab>NODES BEFORE<tab>NODES AFTER" or "failed: ..."
//   rewrite_tool PASSES IN.onnx OUT.onnx one file; its diagnostics go to stderr
// PASSES: names with commas between; replace-operators makes all replacements, "replace-operators=a+b" those.
// The graph is verified after each.
#include <exception>
#include <fmt/format.h>
#include <iostream>
#include <sstream>
#include <string>

#include "config/replacements.h"
#include "onnx_io/infer_shapes.h"
#include "onnx_io/onnx_file.h"
#include "passes/pipeline.h"
#include "passes/rewriter.h"

namespace qprep {
namespace {

std::size_t count_nodes(Model& model) {
  std::size_t count = 0;
  for_each_graph(model, [&count](Graph& graph) { count += graph.nodes().size(); });
  return count;
}

std::string one_line(std::string text) {
  for (char& c : text) {
    if (c == '\n') c = ' ';
  }
  return text;
}

std::vector<std::string> all_replacements() {
  std::vector<std::string> names;
  for (const Replacement& each : replacements()) names.emplace_back(each.name);
  return names;
}

std::vector<std::string> parts_of(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, '+');) parts.push_back(part);
  return parts;
}

std::string rewrite(const std::string& passes, const std::string& in, const std::string& out,
                    Diagnostics& diagnostics) {
  try {
    OnnxFile file = read_onnx(in, diagnostics);
    infer_shapes(file, diagnostics);
    Env env{.diagnostics = diagnostics};
    Plan plan;
    const std::size_t before = count_nodes(file.model);
    double seconds = 0;
    std::istringstream names(passes);
    for (std::string name; std::getline(names, name, ',');) {
      const std::size_t equals = name.find('=');
      if (equals == std::string::npos) {
        env.replace = all_replacements();
      } else {
        env.replace = parts_of(name.substr(equals + 1));
        name.resize(equals);
      }
      const Pass* pass = find_pass(name);
      if (!pass) return "failed: no pass " + name;
      run_passes(file.model, plan, {pass, 1}, env, [&seconds](const PassReport& report) {
        seconds += report.seconds;
        return true;
      });
    }
    write_onnx(file, out);
    return fmt::format("done\t{:.6f}\t{}\t{}", seconds, before, count_nodes(file.model));
  } catch (const std::exception& error) {
    return "failed: " + one_line(error.what());
  }
}

int run(const std::vector<std::string>& arguments) {
  if (arguments.size() == 1 && arguments[0] == "batch") {
    std::string passes, in, out;
    while (std::getline(std::cin, passes, '\t') && std::getline(std::cin, in, '\t') &&
           std::getline(std::cin, out)) {
      Diagnostics diagnostics;
      std::cout << rewrite(passes, in, out, diagnostics) << std::endl;
    }
    return 0;
  }
  if (arguments.size() == 3) {
    Diagnostics diagnostics;
    const std::string result = rewrite(arguments[0], arguments[1], arguments[2], diagnostics);
    for (const Diagnostic& diagnostic : diagnostics.all()) std::cerr << to_text(diagnostic) << '\n';
    std::cout << result << '\n';
    return result.starts_with("done") ? 0 : 1;
  }
  std::cerr << "usage: rewrite_tool batch | PASSES IN.onnx OUT.onnx\n";
  return 2;
}

}  // namespace
}  // namespace qprep

int main(int argc, char** argv) { return qprep::run({argv + 1, argv + argc}); }
