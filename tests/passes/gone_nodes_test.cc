#include "passes/gone_nodes.h"

#include <catch2/catch.hpp>

using namespace qprep;

TEST_CASE("What is gone says what is there now, or what became of its heir") {
  Model model;
  Value& x = model.graph->add_input("x", Type::tensor(DType::kFloat32));
  Node& heir =
      model.graph->insert(nullptr, {.op = "Reshape", .inputs = {&x}, .outputs = {"y"}, .name = "heir"});
  for (const char* label : {"cast", "inner", "norm"}) {
    Node& absorbed =
        model.graph->insert(nullptr, {.op = "Cast", .inputs = {&x}, .outputs = {label}, .name = label});
    heir.absorb(absorbed);
    model.graph->erase(absorbed);
  }
  const auto gone = [&](const char* label, std::string because) {
    model.gone.push_back({label, "Op", {}, {}, std::move(because)});
  };
  gone("cast", folded_into("middle"));
  gone("norm", folded_into("middle") + "; the models for training have it");
  gone("middle", folded_into("heir"));
  gone("inner", std::string(kUnread));
  gone("alone", std::string(kUnread));
  gone("early", folded_into("later"));
  gone("later", folded_into("last"));
  gone("last", "was computed in advance");
  gone("lost", folded_into("nobody"));
  gone("heir", "is a Reshape now");

  settle_gone(model);

  std::vector<std::string> because;
  for (const GoneNode& each : model.gone) because.push_back(each.because);
  CHECK(because == std::vector<std::string>{
                       "was folded into 'heir'", "was folded into 'heir'; the models for training have it",
                       "was folded into 'heir'", "was folded into 'heir'", "made what nothing reads any more",
                       "was folded into 'last', which was computed in advance",
                       "was folded into 'last', which was computed in advance", "was computed in advance",
                       "was folded into 'nobody'", "is a Reshape now"});
}
