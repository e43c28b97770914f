#include "ir/numbered.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include "ir/graph.h"

using namespace qprep;

namespace {

struct Nodes {
  Model model;
  std::vector<const Node*> all;

  explicit Nodes(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      all.push_back(&model.graph->insert(nullptr, {.op = "Relu", .outputs = {"y"}}));
    }
  }
};

}  // namespace

TEST_CASE("Nodes and values of a model have numbers of their own, and keep them") {
  Nodes nodes(3);
  CHECK(nodes.all[0]->number() != nodes.all[1]->number());
  const std::size_t gone = nodes.all[2]->number();
  nodes.model.graph->erase(nodes.model.graph->nodes().back());
  CHECK(nodes.model.graph->insert(nullptr, {.op = "Abs", .outputs = {"z"}}).number() > gone);
  CHECK(nodes.all[0]->output(0).number() != nodes.all[1]->output(0).number());
}

TEST_CASE("A table by number does what a table of pointers does") {
  const Nodes nodes(200);
  Numbered<Node, std::string> table;
  std::unordered_map<const Node*, std::string> expected;
  std::mt19937 random(7);  // NOLINT: the same in every run
  for (int turn = 0; turn < 5000; ++turn) {
    const Node* node = nodes.all[random() % nodes.all.size()];
    const std::string text = std::to_string(turn);
    switch (random() % 4) {
      case 0:
        CHECK(table.emplace(node, text).second == expected.emplace(node, text).second);
        break;
      case 1:
        table[node] = text;
        expected[node] = text;
        break;
      case 2:
        CHECK(table.erase(node) == expected.erase(node));
        break;
      default: {
        const auto found = table.find(node);
        CHECK((found != table.end()) == expected.contains(node));
        if (found != table.end()) CHECK(found->second == expected.at(node));
      }
    }
    REQUIRE(table.size() == expected.size());
  }
  std::size_t met = 0;
  for (const auto& [node, text] : table) {
    CHECK(expected.at(node) == text);
    ++met;
  }
  CHECK(met == expected.size());
  erase_if(table, [](const auto& entry) { return entry.second.size() < 4; });
  CHECK(static_cast<std::size_t>(std::ranges::count_if(
            expected, [](const auto& entry) { return entry.second.size() >= 4; })) == table.size());
}

TEST_CASE("A table by number knows no null, nor what belongs to another model") {
  const Nodes nodes(2), others(2);
  Numbered<Node, int> table;
  table[nodes.all[0]] = 1;
  CHECK(table.find(nullptr) == table.end());
  CHECK_FALSE(table.contains(others.all[0]));
  CHECK_THROWS_AS(table.at(nodes.all[1]), std::out_of_range);
  CHECK_THROWS_AS(table.emplace(others.all[0], 2), std::logic_error);
}

TEST_CASE("Entries stay where they are, and come in the order in which they were made") {
  const Nodes nodes(100);
  Numbered<Node, int> table;
  int& first = table[nodes.all[99]];
  first = 99;
  for (int i = 0; i < 99; ++i) table[nodes.all[static_cast<std::size_t>(i)]] = i;
  CHECK(&first == &table.at(nodes.all[99]));
  CHECK(table.begin()->second == 99);
  table.erase(nodes.all[99]);
  CHECK(table.begin()->second == 0);
}
