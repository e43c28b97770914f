#include "ir/verify.h"

#include <atomic>
#include <fmt/format.h>
#include <string_view>
#include <tsl/robin_set.h>

namespace qprep {
namespace {

/// Marks that no two runs share, so that a run need not clear what it marked. They are larger than any index
/// that others leave as a mark.
std::uint64_t fresh_mark() {
  static std::atomic<std::uint64_t> last = std::uint64_t{1} << 63U;
  return ++last;
}

class Verifier {
 public:
  std::vector<std::string> problems;

  void check(const Graph& graph) {
    const std::size_t size = 2 * graph.nodes().size() + graph.initializers().size() + graph.inputs().size();
    tsl::robin_set<std::string_view> names(size);
    std::vector<const Value*> defined;
    defined.reserve(size);
    const auto define = [&](const Value& value, std::string_view where) {
      if (&value.graph() != &graph) report("{}: '{}' belongs to another graph", where, value.name());
      if (value.name().empty()) {
        if (!value.is_unused()) report("{}: a used value has no name", where);
        return;
      }
      if (!names.insert(value.name()).second)
        report("{}: the name '{}' is defined twice", where, value.name());
      listed_reads_ += value.uses().size();
      value.set_mark(visible_);
      defined.push_back(&value);
    };

    for (const Value* input : graph.inputs()) define(*input, "graph input");
    for (const Value* initializer : graph.initializers()) {
      if (!initializer->is_graph_input()) define(*initializer, "initializer");
    }
    for (const Node& node : graph.nodes()) {
      check_inputs(node);
      for (const Graph* body : node.bodies()) {
        if (body->holder() != &node) report("node '{}': a body does not know its holder", node.label());
        check(*body);
      }
      for (std::size_t i = 0; i < node.output_count(); ++i) define(node.output(i), node.label());
    }
    for (const Value* output : graph.outputs()) {
      if (output->mark() != visible_) report("graph output '{}' is not defined", output->name());
      if (!output->is_graph_output())
        report("graph output '{}' does not know that it is one", output->name());
    }
    for (const Value* value : defined) value->set_mark(0);
  }

  /// Every read stands in the use list of what it reads, so equal sums mean that no list holds anything else.
  void check_sums() {
    if (listed_reads_ != reads_) report("use lists hold {} reads, but there are {}", listed_reads_, reads_);
  }

 private:
  template <typename... Args>
  void report(fmt::format_string<Args...> format, Args&&... args) {
    problems.push_back(fmt::format(format, std::forward<Args>(args)...));
  }

  void check_inputs(const Node& node) {
    for (std::size_t i = 0; i < node.input_count(); ++i) {
      const Value* value = node.input(i);
      if (!value) continue;
      if (value->mark() != visible_) {
        report("node '{}' reads '{}' before it is defined", node.label(), value->name());
      }
      if (!node.is_listed(i)) report("'{}' does not list its reader '{}'", value->name(), node.label());
      ++reads_;
    }
  }

  const std::uint64_t visible_ = fresh_mark();
  std::size_t reads_ = 0, listed_reads_ = 0;
};

}  // namespace

std::vector<std::string> verify(const Model& model) {
  Verifier verifier;
  verifier.check(*model.graph);
  for (const Function& function : model.functions) verifier.check(*function.body);
  verifier.check_sums();
  return std::move(verifier.problems);
}

}  // namespace qprep
