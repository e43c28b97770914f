#include "target/constraint.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

#include "target/capability.h"
#include "target/number.h"

using namespace qprep;

namespace {

/// A graph to build one node in, and what is asked of it.
class Bench {
 public:
  Value& input(const std::string& name, std::vector<std::int64_t> sizes) {
    Shape shape;
    for (const std::int64_t size : sizes) shape.push_back(size < 0 ? Dim{-1, "height"} : Dim{size, {}});
    return graph_.add_input(name, Type::tensor(DType::kFloat32, shape));
  }
  Value& constant(const std::string& name, Dims dims) {
    const auto count = static_cast<std::size_t>(element_count(dims).value_or(0));
    Value& value = graph_.add_initializer(name, Tensor::floats(dims, std::vector<float>(count, 1.0F)));
    return value;
  }
  Node& node(const std::string& op, std::vector<Value*> inputs) {
    NodeSpec spec;
    spec.op = op;
    spec.inputs = std::move(inputs);
    spec.outputs = {"y"};
    node_ = &graph_.insert(nullptr, std::move(spec));
    return *node_;
  }
  Graph& graph() { return graph_; }

  Outcome check(const std::string& text) {
    return Constraint::parse(text).check({*node_, situation}, operator_of(march, node_->op()));
  }
  std::string said(const std::string& text) { return check(text).sentence; }
  Verdict verdict(const std::string& text) { return check(text).verdict; }

  Situation situation;
  std::string march = "bernoulli2";

 private:
  Names names_;
  Graph graph_{names_, nullptr};
  Node* node_ = nullptr;
};

void make_conv(Bench& bench, std::int64_t kernel_h, std::int64_t kernel_w, std::int64_t height = 32) {
  Value& x = bench.input("x", {1, 16, height, 32});
  Value& w = bench.constant("w", {8, 16, kernel_h, kernel_w});
  bench.node("Conv", {&x, &w});
  bench.situation.data = {0, 1};
}

std::string mistake(const std::string& text) {
  try {
    Constraint::parse(text);
  } catch (const ConstraintMistake& found) {
    return std::to_string(found.at()) + ": " + found.what();
  }
  return "";
}

}  // namespace

TEST_CASE("Axes of another number take a Reshape, and what a constant breaks is for others to mend") {
  Bench bench;
  Value& x = bench.input("x", {1, 4, 6, 6});
  bench.node("ReduceMean", {&x}).set_attribute("axes", std::vector<std::int64_t>{3});
  CHECK(bench.check("axes are 2 and 3").remedy ==
        "transpose and reshape its data so that the axes are 2 and 3");
  bench.node("Add", {&x, &bench.constant("c", {1, 4, 1, 1})});
  bench.situation.data = {0, 1};
  const Outcome broken = bench.check("constant_inputs is 0");
  CHECK(broken.verdict == Verdict::kBroken);
  CHECK(broken.by_constant);
  CHECK(broken.remedy.empty());
  CHECK(Constraint::parse("model_output").asks_for_model_output());
  CHECK_FALSE(Constraint::parse("fused").asks_for_model_output());
}

TEST_CASE("A constraint is one sentence: message and remedy") {
  Bench bench;
  make_conv(bench, 9, 3);
  const Outcome broken = bench.check("kernel in 1..7");
  CHECK(broken.verdict == Verdict::kBroken);
  CHECK(broken.sentence == "kernel height 9 is above 7, the largest that bernoulli2's Conv takes");
  CHECK(broken.remedy == "use a kernel of 7 x 7 or smaller");
  CHECK(Constraint::parse("kernel in 1..7").rule() == "each kernel size is 1 to 7");
  CHECK(bench.verdict("kernel in 1..9") == Verdict::kHolds);
  CHECK(bench.said("kernel in 1..9").empty());

  CHECK(bench.said("product(kernel) * weight.C <= 400") ==
        "kernel height * kernel width * C of the weight = 432 is above 400, the largest that bernoulli2's "
        "Conv takes");
  CHECK(bench.said("stride is 2 or 4") == "stride height 1 is not 2 or 4, all that bernoulli2's Conv takes");
  CHECK(bench.said("rank is 5") == "rank 4 is not 5, the only one that bernoulli2's Conv takes");
  CHECK(bench.said("pad_h >= (kernel_h - 1) / 2") ==
        "pad top 0 is below (kernel height - 1) / 2 = 4, the smallest that bernoulli2's Conv takes");
  CHECK(bench.check("rank is stride_h + 1").remedy == "reshape it to rank 2");
  CHECK(bench.check("stride is 2 or 4").remedy == "use a stride of 2 or 4");
  CHECK(bench.check("H * W <= 1000").remedy == "bring H * W to 1000 or less");
  CHECK(bench.said("H % 5 is 0") == "H = 32 is no multiple of 5, as bernoulli2's Conv needs it");
  CHECK(bench.check("H % 5 is 0").remedy == "bring H to a multiple of 5");
  CHECK(bench.said("H * W <= 10 * 100") ==
        "H * W = 1024 is above 10 * 100 = 1000, the largest that bernoulli2's Conv takes");
  CHECK(bench.said("dilation is even") == "dilation height 1 is not even, as bernoulli2's Conv needs it");
  CHECK(bench.said("kernel_h is power of 2") ==
        "kernel height 9 is not a power of 2, as bernoulli2's Conv needs it");
  CHECK(bench.said("model_output") ==
        "its result is no output of the model, which bernoulli2's Conv does not take");
  CHECK(bench.said("not weight.constant") ==
        "the weight is a constant, which bernoulli2's Conv does not take");
  CHECK(bench.said("input.constant") == "the input is no constant, which bernoulli2's Conv does not take");
}

TEST_CASE("Conditions say when a constraint is asked") {
  Bench bench;
  make_conv(bench, 3, 3);
  CHECK(bench.verdict("stride is 2 when rank is 5") == Verdict::kHolds);
  CHECK(bench.verdict("stride is 2 unless rank is 4 and dilation is 1") == Verdict::kHolds);
  CHECK(bench.said("stride is 2 when rank is 4 unless kernel_h > 3") ==
        "stride height 1 is not 2, the only one that bernoulli2's Conv takes when rank is 4 unless kernel "
        "height is "
        "more than 3");
  // What is asked of nobody, or fulfilled either way, needs no answer.
  CHECK(bench.verdict("stride is 1 when feeds_shortcut_add") == Verdict::kHolds);
  CHECK(bench.verdict("stride is 2 when feeds_shortcut_add") == Verdict::kUndecided);
  bench.situation.feeds_shortcut_add = true;
  CHECK(bench.said("stride is 2 when feeds_shortcut_add") ==
        "stride height 1 is not 2, the only one that bernoulli2's Conv takes when a shortcut Add follows");
  bench.situation.feeds_shortcut_add = false;
  CHECK(bench.verdict("stride is 2 when feeds_shortcut_add") == Verdict::kHolds);
}

TEST_CASE("What is unknown is named, and decides nothing") {
  Bench bench;
  make_conv(bench, 3, 3, -1);
  const Outcome open = bench.check("H * W <= 8192");
  CHECK(open.verdict == Verdict::kUndecided);
  CHECK(open.sentence ==
        "H ('height') is unknown, and bernoulli2's Conv takes only what fits: H * W is at most 8192");
  CHECK(open.remedy.empty());
  CHECK(bench.verdict("W <= 8192") == Verdict::kHolds);
  CHECK(bench.verdict("dims <= 8192") == Verdict::kUndecided);
  // One that is broken is broken, whatever the unknown one is.
  CHECK(bench.verdict("dims <= 10") == Verdict::kBroken);
  CHECK(bench.verdict("output.rank is 4") == Verdict::kUndecided);
  CHECK(bench.verdict("output.precision is int8") == Verdict::kUndecided);
  bench.situation.output = DType::kInt16;
  CHECK(bench.said("output.precision is int8") ==
        "precision of the output = int16 is not int8, the only one that bernoulli2's Conv takes");
  CHECK(bench.verdict("fused") == Verdict::kUndecided);
  CHECK(bench.verdict("attribute.alpha is 1") == Verdict::kUndecided);
}

TEST_CASE("Numbers are exact, beyond 64 bits too") {
  Bench bench;
  const std::int64_t huge = std::numeric_limits<std::int64_t>::max();
  Value& x = bench.input("x", {huge, huge, 4, 0});
  bench.node("Relu", {&x});
  CHECK(bench.verdict("N * C <= 9223372036854775807") == Verdict::kBroken);
  CHECK(bench.verdict("N * C > 0") == Verdict::kHolds);
  CHECK(bench.verdict("N * C * W is 0") == Verdict::kHolds);
  CHECK(bench.verdict("elements is 0") == Verdict::kHolds);
  CHECK(bench.verdict("N * C - N * C is 0") == Verdict::kUndecided);
  CHECK(bench.verdict("N + 1 > N") == Verdict::kHolds);
  CHECK(bench.verdict("N / 2 * 2 is N") == Verdict::kHolds);
  CHECK(bench.verdict("H / W is 1") == Verdict::kUndecided);
  CHECK(bench.verdict("H % W is 1") == Verdict::kUndecided);
  CHECK(bench.verdict("align(N, 256) > 5") == Verdict::kHolds);
  CHECK(bench.verdict("H / 3 * 3 is 4") == Verdict::kHolds);
  CHECK(bench.verdict("H / 3 <= 1") == Verdict::kBroken);
  CHECK(bench.said("N * C < 3").find("more than 64 bits hold") != std::string::npos);

  CHECK(Number::ratio(1, 0) == std::nullopt);
  CHECK(remainder(Number(-7), Number(3))->numerator() == 2);
  CHECK(remainder(Number(std::numeric_limits<std::int64_t>::min()), Number(-1))->numerator() == 0);
  CHECK(align(Number(9), Number(8))->numerator() == 16);
  CHECK((*compare(Number::beyond(false), Number(huge)) > 0));
  CHECK((*compare(Number::beyond(true), Number(huge)) < 0));
  CHECK_FALSE(compare(Number::beyond(false), Number::beyond(false)));
}

TEST_CASE("Lists go item by item, and slices take some") {
  Bench bench;
  Value& x = bench.input("x", {2, 3, 5, 7});
  Value& y = bench.input("y", {2, 1, 5, 1});
  bench.node("Add", {&x, &y});
  bench.situation.data = {0, 1};
  CHECK(bench.verdict("dims[1..] in 3..7") == Verdict::kHolds);
  CHECK(bench.said("dims[-1] <= 6") ==
        "size of axis 3 = 7 is above 6, the largest that bernoulli2's Add takes");
  CHECK(bench.verdict("dims[..-3] in 2..3") == Verdict::kHolds);
  CHECK(bench.verdict("inputs.dims[0] is 2") == Verdict::kHolds);
  CHECK(bench.said("inputs.C is 3") == "C of input 1 = 1 is not 3, the only one that bernoulli2's Add takes");
  CHECK(bench.verdict("inputs.rank is 4") == Verdict::kHolds);
  CHECK(bench.verdict("broadcast_operands is 1") == Verdict::kHolds);
  CHECK(bench.verdict("broadcast_axes are 1 and 3") == Verdict::kHolds);
  CHECK(bench.verdict("broadcast_axes is not 0") == Verdict::kHolds);
  CHECK(bench.verdict("count(broadcast_axes) is 2") == Verdict::kHolds);
  CHECK(bench.verdict("merged_rank is 4") == Verdict::kHolds);
  CHECK(bench.verdict("dims[9] is 1") == Verdict::kUndecided);
  CHECK(bench.verdict("spatial % kernel is 0") == Verdict::kUndecided);
  CHECK(bench.verdict("shapes are NxCxHxW with NxCxHxW or NxCxHxW with Nx1xHx1") == Verdict::kHolds);
  CHECK(bench.said("shapes are NxCxHxW with NxCxHxW") ==
        "shapes 2x3x5x7 with 2x1x5x1 are not NxCxHxW with NxCxHxW, the only one that bernoulli2's Add takes");
  CHECK(bench.verdict("shapes are NxCxHxW") == Verdict::kBroken);
}

TEST_CASE("Mistakes in a constraint are said where they are, with the nearest word") {
  CHECK(mistake("kernl in 1..7") == "0: there is no quantity 'kernl' (did you mean 'kernel'?)");
  CHECK(mistake("rank is 4 when strid is 1") == "15: there is no quantity 'strid' (did you mean 'stride'?)");
  CHECK(mistake("inptu.C is 4") == "0: there is no quantity 'inptu.C' (did you mean 'input.C'?)");
  CHECK(mistake("input1.rnak is 4") == "0: there is no quantity 'input1.rnak' (did you mean 'input1.rank'?)");
  CHECK(mistake("mode is neerest") == "8: 'mode' is never 'neerest' (did you mean 'nearest'?)");
  CHECK(mistake("mode <= 3") == "5: 'is' must follow 'mode', which is a word");
  CHECK(mistake("kernel in 7..1") == "7: no number is in 7..1");
  CHECK(mistake("kernel in 1,7") == "11: '..' is missing before ','");
  CHECK(mistake("kernel") == "6: '<=', '>=', '<', '>', 'in', 'is' or 'are' must follow");
  CHECK(mistake("kernel iss 7") ==
        "7: '<=', '>=', '<', '>', 'in', 'is' or 'are' must follow, not 'iss' (did you mean "
        "'is'?)");
  CHECK(mistake("rank is 4 wehn C is 3") ==
        "10: 'when', 'unless' or the end must follow, not 'wehn' (did you mean 'when'?)");
  CHECK(mistake("rank is 4 when C is 3 C") == "22: 'unless', 'and' or the end must follow, not 'C'");
  CHECK(mistake("rank <= 99999999999999999999") == "8: a number takes at most 64 bits");
  CHECK(mistake("(C * H <= 3") == "7: ')' is missing before '<'");
  CHECK(mistake("product(C, H) <= 3") == "0: 'product' takes one list");
  CHECK(mistake("rank[0] is 3") == "0: 'rank' is no list");
  CHECK(mistake("shapes are nxc") == "11: a shape is capital letters and numbers with 'x' between them");
  CHECK(mistake("mode * 2 is 3") == "5: 'is' must follow 'mode', which is a word");
  CHECK(mistake("2 * mode is 3") == "4: 'mode' is no number");
  CHECK(mistake("") == "0: a quantity is missing at the end");
  CHECK(mistake("rank are 3") == "5: 'are' follows the name of a list");
  CHECK_FALSE(mistake(std::string(5000, '(')).empty());
  CHECK_FALSE(mistake(std::string(900, '(')).empty());
  CHECK_FALSE(mistake(std::string("rank is \0 4", 11)).empty());
}

TEST_CASE("No text makes the parser fail otherwise than by saying what is wrong") {
  const std::vector<std::string> words = {
      "kernel", "in",   "1",   "..",      "7",           "when", "unless", "(",    ")", "*", "%", "is",
      "or",     "mode", "DCR", "shapes",  "x",           "are",  "NxC",    "with", "[", "]", "-", "input1.C",
      "not",    ",",    "max", "product", "attribute.a", "and",  "power",  "of",   "2", "."};
  std::uint64_t state = 1;
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    for (int i = 0; i < 8; ++i) {
      state = state * 6364136223846793005ULL + 1442695040888963407ULL;
      text += words[(state >> 33) % words.size()] + ((state >> 20) % 4 == 0 ? "" : " ");
    }
    try {
      const Constraint constraint = Constraint::parse(text);
      Bench bench;
      make_conv(bench, 3, 3);
      const Outcome outcome = constraint.check({*bench.graph().nodes().begin(), bench.situation}, "x");
      CHECK((outcome.verdict == Verdict::kHolds) == outcome.sentence.empty());
      CHECK_FALSE(constraint.rule().empty());
    } catch (const ConstraintMistake& found) {
      CHECK(found.at() <= text.size());
    }
  }
}

TEST_CASE("The manual names every quantity") {
  std::ifstream stream(QPREP_SOURCE_DIR "/docs/targets.md");
  const std::string manual(std::istreambuf_iterator<char>(stream), {});
  for (const Quantity& quantity : quantities()) {
    INFO(quantity.name);
    CHECK(manual.find("`" + std::string(quantity.name) + "`") != std::string::npos);
  }
}
