#include "report/crossings.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <set>

#include "ir/walk.h"

namespace qprep {
namespace {

class Finder {
 public:
  Finder(const Plan& plan, const Segments& segments) : plan_(plan), segments_(segments) {}

  void look_at(const Value& value) {
    if (segments_.without_data.contains(value.producer())) return;
    const std::string from = place_of(*value.producer());
    std::set<std::string> known{from};
    for (const Use& use : value.uses()) {
      const std::string to = place_of(*use.node);
      if (known.insert(to).second) add(value, from, to, use);
    }
  }

  std::vector<Crossing> take() { return std::move(found_); }

 private:
  std::string place_of(const Node& node) const {
    const auto at = segments_.of.find(&node);
    return at == segments_.of.end() ? std::string(to_text(Device::kCpu)) : fmt::format("id({})", at->second);
  }

  void add(const Value& value, const std::string& from, const std::string& to, const Use& use) {
    Crossing crossing = tensor_as_read(value, *use.node, use.input, plan_);
    crossing.from = from;
    crossing.to = to;
    if (value.is_made()) {
      const Node& maker = *value.producer();
      crossing.made_by = maker.made_for().empty() ? maker.label() : maker.made_for();
    }
    found_.push_back(std::move(crossing));
  }

  const Plan& plan_;
  const Segments& segments_;
  std::vector<Crossing> found_;
};

Crossing tensor_as(const Value& value, const Decision* decision) {
  const Type& type = value.type();
  Crossing crossing{value.name(), {}, {}, {}, {}, {}};
  crossing.dtype = decision                           ? std::string(to_text(decision->spec))
                   : type.kind == Type::Kind::kTensor ? to_text(type.dtype)
                                                      : to_text(type);
  const std::string shape = to_text(Type::tensor(DType::kFloat32, type.shape));
  crossing.shape = shape.substr(shape.find('['));
  const auto dims = type.static_dims();
  const DType stored = !decision                                      ? type.dtype
                       : decision->spec.precision == Precision::kInt8 ? DType::kInt8
                                                                      : DType::kInt16;
  const auto count = dims ? element_count(*dims) : std::nullopt;
  if (count) {
    const std::optional<std::size_t> bytes = payload_size(stored, static_cast<std::uint64_t>(*count));
    if (bytes) crossing.bytes = static_cast<std::int64_t>(*bytes);
  }
  return crossing;
}

}  // namespace

Crossing tensor_as_read(const Value& value, const Node& node, std::size_t input, const Plan& plan) {
  const NodePlan* reader = plan.of(node);
  const bool quantised = reader && reader->reads_quantised(input);
  const Decision* decision = quantised ? plan.decision_of(value) : nullptr;
  if (const auto own = plan.carried.find(&value); !decision && own != plan.carried.end()) {
    decision = &own->second;
  }
  return tensor_as(value, decision);
}

Crossing tensor_as_made(const Value& value, const Plan& plan) {
  return tensor_as(value, plan.decision_of(value));
}

std::vector<Crossing> crossings_of(const Model& model, const Plan& plan, const Segments& segments) {
  Finder finder(plan, segments);
  for (const Node* node : nodes_with_bodies(*model.graph)) {
    for (std::size_t i = 0; i < node->output_count(); ++i) {
      if (!node->is("Constant")) finder.look_at(node->output(i));
    }
  }
  return finder.take();
}

nlohmann::ordered_json to_json(const Crossing& crossing) {
  nlohmann::ordered_json json = {{"tensor", crossing.tensor}, {"from", crossing.from},   {"to", crossing.to},
                                 {"dtype", crossing.dtype},   {"shape", crossing.shape}, {"bytes", nullptr}};
  if (crossing.bytes) json["bytes"] = *crossing.bytes;
  if (!crossing.made_by.empty()) json["made_by"] = crossing.made_by;
  return json;
}

}  // namespace qprep
