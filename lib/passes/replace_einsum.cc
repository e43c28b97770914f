#include "passes/replace_einsum.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "passes/rewriter.h"

namespace qprep {
namespace {

/// The labels of "a,b->c", a letter each.
struct Equation {
  std::array<std::string, 2> operands;
  std::string result;
};

bool are_letters(const std::string& term) {
  return std::all_of(term.begin(), term.end(),
                     [](char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; });
}

bool are_distinct(std::string term) {
  std::sort(term.begin(), term.end());
  return std::adjacent_find(term.begin(), term.end()) == term.end();
}

std::optional<Equation> equation_of(const Node& node) {
  const auto* written = node.get<std::string>("equation");
  if (!written || node.input_count() != 2 || node.output_count() != 1) return std::nullopt;
  std::string text = *written;
  std::erase(text, ' ');
  const auto comma = text.find(',');
  const auto arrow = text.find("->");
  if (comma == std::string::npos || arrow == std::string::npos || arrow < comma) return std::nullopt;
  Equation equation{{text.substr(0, comma), text.substr(comma + 1, arrow - comma - 1)},
                    text.substr(arrow + 2)};
  for (const std::string& term : {equation.operands[0], equation.operands[1], equation.result}) {
    if (!are_letters(term) || !are_distinct(term)) return std::nullopt;
  }
  return equation;
}

/// How a times b is a matrix product; nullopt: it is none.
struct Product {
  bool transposes = false;  // b is P n c
};

std::optional<Product> product_of(const std::string& a, const std::string& b, const std::string& result) {
  if (a.size() < 2 || b.size() < 2) return std::nullopt;
  const std::string_view batch = std::string_view(a).substr(0, a.size() - 2);
  const std::string_view own = std::string_view(b).substr(0, b.size() - 2);
  if (!own.empty() && own != batch) return std::nullopt;
  const char summed = a.back();
  const bool transposes = b.back() == summed;
  if (!transposes && b[b.size() - 2] != summed) return std::nullopt;
  const char column = transposes ? b[b.size() - 2] : b.back();
  if (a.find(column) != std::string::npos || result != a.substr(0, a.size() - 1) + column)
    return std::nullopt;
  return Product{transposes};
}

bool is_float(const Value* value, std::size_t rank) {
  if (!value || value->type().kind != Type::Kind::kTensor || !is_floating(value->type().dtype)) return false;
  const auto known = value->type().rank();
  return !known || *known == rank;
}

class EinsumReplacer {
 public:
  EinsumReplacer(Model& model, Env& env) : model_(model), rewriter_(model, env) {}

  bool run() {
    for_each_graph(model_, [this](Graph& graph) {
      for (auto at = graph.nodes().begin(); at != graph.nodes().end();) {
        Node& node = *at;
        ++at;
        if (node.is("Einsum")) visit(node);
      }
    });
    rewriter_.finish();
    return changed_;
  }

 private:
  void visit(Node& node) {
    const auto equation = equation_of(node);
    if (!equation) return;
    for (const std::size_t i : {0U, 1U}) {
      if (!is_float(node.input(i), equation->operands[i].size())) return;
    }
    for (const std::size_t first : {0U, 1U}) {
      const std::string& a = equation->operands[first];
      const std::string& b = equation->operands[1 - first];
      const auto product = product_of(a, b, equation->result);
      if (!product) continue;
      Value* rows = node.input(first);
      Value* columns = node.input(1 - first);
      if (product->transposes) columns = &transposed(node, *columns, b.size());
      rewriter_.become_mat_mul(node, *rows, *columns);
      changed_ = true;
      return;
    }
  }

  /// The last two axes exchanged, before the node.
  static Value& transposed(Node& before, Value& value, std::size_t rank) {
    std::vector<std::int64_t> order(rank);
    std::iota(order.begin(), order.end(), 0);
    std::swap(order[rank - 1], order[rank - 2]);
    Node& node = before.graph().insert(
        &before, {.op = "Transpose", .inputs = {&value}, .outputs = {value.name() + "_transposed"}});
    node.set_attribute("perm", std::move(order));
    Type type = value.type();
    if (type.shape && type.shape->size() == rank) std::swap((*type.shape)[rank - 1], (*type.shape)[rank - 2]);
    node.output(0).set_type(std::move(type));
    return node.output(0);
  }

  Model& model_;
  Rewriter rewriter_;
  bool changed_ = false;
};

}  // namespace

bool replace_einsum(Model& model, Env& env) { return EinsumReplacer(model, env).run(); }

}  // namespace qprep
