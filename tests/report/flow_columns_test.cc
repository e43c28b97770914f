#include "report/flow_columns.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <string>
#include <vector>

#include "report/flow_dot.h"

using namespace qprep;

namespace {

/// Boxes in a row, every one of which the next one reads; `skips`: over how many boxes further arrows go,
/// with as many boxes between one and the next.
Flow chain(std::size_t count, std::size_t skips = 0) {
  Flow flow;
  flow.kinds = {"conv"};
  flow.bodies = {""};
  for (std::size_t i = 0; i < count; ++i) {
    FlowBox box;
    box.kinds = {0};
    box.nodes = {"node" + std::to_string(i)};
    flow.boxes.push_back(std::move(box));
    if (i > 0) flow.arrows.push_back({i - 1, i, -1});
    if (skips > 0 && i % (2 * skips) == skips) flow.arrows.push_back({i - skips, i, -1});
  }
  std::ranges::sort(flow.arrows);
  return flow;
}

std::size_t occurrences(const std::string& text, const std::string& word) {
  std::size_t count = 0;
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++count;
  return count;
}

}  // namespace

TEST_CASE("A picture that is not tall has one column") {
  const Flow flow = chain(20);
  CHECK(columns_of(flow, std::vector<double>(20, 30)) == std::vector<std::size_t>(20, 0));
  CHECK(columns_of({}, {}).empty());
}

TEST_CASE("A tall picture is broken into columns of like heights, and nothing goes back") {
  const Flow flow = chain(600);
  const std::vector<std::size_t> columns = columns_of(flow, std::vector<double>(600, 30));
  const std::size_t count = columns.back() + 1;
  CHECK(count > 2);
  CHECK(std::ranges::is_sorted(columns));
  for (std::size_t column = 0; column < count; ++column) {
    const auto boxes = static_cast<std::size_t>(std::ranges::count(columns, column));
    CHECK(boxes * count > 600 / 2);
    CHECK(boxes * count < 600 * 2);
  }
}

TEST_CASE("Columns break where the fewest arrows pass") {
  const std::size_t skips = 10;
  const Flow flow = chain(400, skips);
  const std::vector<std::size_t> columns = columns_of(flow, std::vector<double>(400, 30));
  REQUIRE(columns.back() > 0);
  for (std::size_t i = 1; i < columns.size(); ++i) {
    if (columns[i] != columns[i - 1]) CHECK((i - 1) / skips % 2 == 1);  // no further arrow passes
  }
}

TEST_CASE("What goes from column to column ends and begins at a sign, once for each box and column") {
  DrawnFlow drawn{chain(400), DrawnFlow::Level::kUnits, 400, 0};
  const std::string dot = to_dot(drawn, "m.onnx", "");
  const std::size_t columns = occurrences(dot, "label=\"column ");
  CHECK(columns > 1);
  CHECK(occurrences(dot, "goes on in column") == columns - 1);
  CHECK(occurrences(dot, "from column") == columns - 1);
  for (const std::size_t reader : {397U, 398U, 399U}) drawn.flow.arrows.push_back({0, reader, -1});
  std::ranges::sort(drawn.flow.arrows);
  const std::string wider = to_dot(drawn, "m.onnx", "");
  CHECK(occurrences(wider, "goes on in column") == columns);
  CHECK(occurrences(wider, fmt::format("s0_{} -> n", columns - 1)) == 3);
  CHECK(occurrences(to_dot({chain(20), DrawnFlow::Level::kUnits, 20, 0}, "m.onnx", ""), "column") == 0);
}
