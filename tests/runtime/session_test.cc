#include "runtime/session.h"

#include <catch2/catch.hpp>
#include <string>
#include <thread>
#include <vector>

#include "onnx_io/onnx_file.h"
#include "runtime/probe.h"
#include "support/codes.h"
#include "support/diagnostics.h"
#include "temporary_folder.h"

using namespace qprep;

namespace {

using Floats = std::vector<float>;

std::string bytes_of(Model model) { return serialize_onnx({std::move(model), nullptr}); }

SerialisedModel named(const std::string& bytes) { return {"m.onnx", std::as_bytes(std::span(bytes)), ""}; }

Model empty_model(std::int64_t opset = 13) {
  Model model;
  model.opsets[""] = opset;
  return model;
}

/// y = Relu(x + b), h = x + b; x is float32[N,3], b a default that a caller may set.
Model add_relu() {
  Model model = empty_model();
  Graph& graph = *model.graph;
  Value& x = graph.add_input("x", Type::tensor(DType::kFloat32, Shape{{-1, "N"}, {3, ""}}));
  Value& b = graph.add_input("b", Type::tensor(DType::kFloat32, Shape{{3, ""}}));
  graph.give_initializer(b, Tensor::floats({3}, {1, 2, 3}));
  Value& h =
      graph.insert(nullptr, {.op = "Add", .inputs = {&x, &b}, .outputs = {"h"}, .name = "sum"}).output(0);
  Value& y = graph.insert(nullptr, {.op = "Relu", .inputs = {&h}, .outputs = {"y"}}).output(0);
  y.set_type(Type::tensor(DType::kFloat32, Shape{{-1, "N"}, {3, ""}}));
  graph.add_output(y);
  return model;
}

Diagnostic failure(const std::function<void()>& body) {
  try {
    body();
  } catch (const Fatal& fatal) {
    return fatal.diagnostics().at(0);
  }
  return {Severity::kNote, "none", "nothing failed", {}};
}

}  // namespace

TEST_CASE("a session says what its model takes and gives, and runs it") {
  const std::string bytes = bytes_of(add_relu());
  const Session session(named(bytes));
  REQUIRE(session.inputs().size() == 2);
  CHECK(session.inputs()[0].name == "x");
  CHECK(to_text(session.inputs()[0].type) == "float32[N,3]");
  CHECK_FALSE(session.inputs()[0].has_default);
  CHECK(session.inputs()[1].name == "b");
  CHECK(session.inputs()[1].has_default);
  CHECK(session.outputs().at(0).name == "y");

  const Feeds feeds = {{"x", Tensor::floats({2, 3}, {0, -5, 1, 2, 3, -9})}};
  const Tensor y = session.run(feeds).at(0);
  CHECK(y.dims() == Dims{2, 3});
  CHECK(y.to_vector<float>() == Floats{1, 0, 4, 3, 5, 0});
  const Feeds with_b = {{"x", Tensor::floats({1, 3}, {0, 0, 0})}, {"b", Tensor::floats({3}, {7, 8, 9})}};
  const std::vector<std::string> names = {"y"};
  CHECK(session.run(with_b, names).at(0).to_vector<float>() == Floats{7, 8, 9});
  CHECK(session.run({{"x", Tensor::floats({0, 3}, {})}}).at(0).dims() == Dims{0, 3});
}

TEST_CASE("an output outlives its session, and a feed need not be aligned") {
  const auto buffer = std::make_shared<const std::vector<std::byte>>(13);
  const Tensor unaligned(DType::kFloat32, {1, 3}, std::span(*buffer).subspan(1), buffer);
  Tensor y;
  {
    const std::string bytes = bytes_of(add_relu());
    y = Session(named(bytes)).run({{"x", unaligned}}).at(0);
  }
  CHECK(y.to_vector<float>() == Floats{1, 2, 3});
}

TEST_CASE("a session may be run from several threads at once") {
  const std::string bytes = bytes_of(add_relu());
  const Session session(named(bytes));
  std::vector<Floats> results(8);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < results.size(); ++i) {
    threads.emplace_back([&, i] {
      const auto value = static_cast<float>(i);
      for (int k = 0; k < 50; ++k) {
        results[i] =
            session.run({{"x", Tensor::floats({1, 3}, {value, value, value})}}).at(0).to_vector<float>();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (std::size_t i = 0; i < results.size(); ++i) {
    const auto value = static_cast<float>(i);
    CHECK(results[i] == Floats{value + 1, value + 2, value + 3});
  }
}

TEST_CASE("a session from a file finds the external data beside it") {
  const TemporaryFolder folder;
  const std::string path = folder.write("m.onnx", bytes_of(add_relu()));
  CHECK(Session(path).run({{"x", Tensor::floats({1, 3}, {0, 0, 0})}}).at(0).to_vector<float>() ==
        Floats{1, 2, 3});
  CHECK(failure([&] { Session(path + "x"); }).code == codes::kFileAccess);
}

TEST_CASE("what ONNX Runtime refuses is said in one sentence with the node or input") {
  const std::string bytes = bytes_of(add_relu());
  const Session session(named(bytes));
  const auto refused = [&](const Feeds& feeds, const std::string& text) {
    const Diagnostic found = failure([&] { session.run(feeds); });
    CHECK(found.code == codes::kRuntimeFailure);
    CHECK(found.where.file == "m.onnx");
    CHECK_THAT(found.message, Catch::StartsWith("ONNX Runtime ") && Catch::Contains(text));
    CHECK(found.message.find('\n') == std::string::npos);
    CHECK(found.message.find(".cc:") == std::string::npos);
  };
  refused({}, "x");
  refused({{"x", Tensor::floats({1, 3}, {0, 0, 0})}, {"z", Tensor::floats({1}, {0})}}, "z");
  refused({{"x", Tensor::int64s({1, 3}, {0, 0, 0})}}, "int64");
  refused({{"x", Tensor::floats({1, 4}, {0, 0, 0, 0})}}, "x");
  refused({{"x", Tensor::floats({1, 3}, {0, 0, 0})}, {"b", Tensor::floats({2}, {0, 0})}}, "b");
  refused({{"x", Tensor(DType::kString, {0}, {}, nullptr)}}, "input 'x' would be string");

  Model broken = add_relu();
  broken.graph->nodes().back().set_op("NoSuchOperator");
  const std::string broken_bytes = bytes_of(std::move(broken));
  CHECK_THAT(
      failure([&] { Session{named(broken_bytes)}; }).message,
      Catch::StartsWith("ONNX Runtime does not load this model: ") && Catch::Contains("NoSuchOperator"));
  const std::string garbage = "this is no model";
  CHECK(failure([&] { Session{named(garbage)}; }).code == codes::kRuntimeFailure);
}

TEST_CASE("a node that fails while it runs is named") {
  Model model = empty_model();
  Graph& graph = *model.graph;
  Value& x = graph.add_input("x", Type::tensor(DType::kFloat32));
  Value& shape = graph.new_initializer("shape", Tensor::int64s({1}, {5}));
  graph.add_output(
      graph.insert(nullptr, {.op = "Reshape", .inputs = {&x, &shape}, .outputs = {"y"}, .name = "five"})
          .output(0));
  graph.outputs()[0]->set_type(Type::tensor(DType::kFloat32));
  const std::string bytes = bytes_of(std::move(model));
  const Session session(named(bytes));
  const std::string message = failure([&] {
                                session.run({{"x", Tensor::floats({4}, {1, 2, 3, 4})}});
                              }).message;
  CHECK_THAT(message, Catch::Contains("Reshape") && Catch::Contains("'five'"));
  CHECK(message.find("/onnxruntime") == std::string::npos);
}

TEST_CASE("outputs that are no tensors of numbers are refused by name") {
  Model model = empty_model();
  Graph& graph = *model.graph;
  Value& x = graph.add_input("x", Type::tensor(DType::kFloat32, Shape{{2, ""}}));
  Node& sequence =
      graph.insert(nullptr, {.op = "SequenceConstruct", .inputs = {&x, &x}, .outputs = {"pair"}});
  Node& length =
      graph.insert(nullptr, {.op = "SequenceLength", .inputs = {&sequence.output(0)}, .outputs = {"length"}});
  length.output(0).set_type(Type::tensor(DType::kInt64, Shape{}));
  graph.add_output(length.output(0));
  const std::string bytes = bytes_of(std::move(model));
  CHECK(Session(named(bytes)).run({{"x", Tensor::floats({2}, {1, 2})}}).at(0).at<std::int64_t>(0) == 2);

  Model words = empty_model();
  Value& y = words.graph->add_input("y", Type::tensor(DType::kFloat32, Shape{{1, ""}}));
  Node& cast = words.graph->insert(nullptr, {.op = "Cast", .inputs = {&y}, .outputs = {"text"}});
  cast.set_attribute("to", std::int64_t{8});
  cast.output(0).set_type(Type::tensor(DType::kString, Shape{{1, ""}}));
  words.graph->add_output(cast.output(0));
  const std::string word_bytes = bytes_of(std::move(words));
  CHECK_THAT(failure([&] {
               Session(named(word_bytes)).run({{"y", Tensor::floats({1}, {1})}});
             }).message,
             Catch::Contains("output 'text' is a tensor of strings"));
}

TEST_CASE("probes see tensors inside a model, in the order in which they are made") {
  const std::string bytes = bytes_of(add_relu());
  const std::vector<std::string> tensors = {"x", "h", "y"};
  const ProbedModel probed = append_probes(std::as_bytes(std::span(bytes)), tensors);
  REQUIRE(probed.outputs.size() == 3);

  std::vector<std::size_t> order;
  std::vector<Floats> seen(3);
  SessionOptions options;
  options.probe = [&](std::size_t probe, DType dtype, std::span<const std::int64_t> dims,
                      std::span<const std::byte> elements) {
    CHECK(dims.size() == 2);
    CHECK(dtype == DType::kFloat32);
    order.push_back(probe);
    seen.at(probe).resize(elements.size() / sizeof(float));
    __builtin_memcpy(seen[probe].data(), elements.data(), elements.size());
  };
  const Session session({"m.onnx", probed.bytes, ""}, options);
  CHECK(session.outputs().size() == 4);
  CHECK(
      session.run({{"x", Tensor::floats({1, 3}, {-5, 0, 1})}}, std::vector{probed.outputs[0]}).at(0).size() ==
      0);
  CHECK(order == std::vector<std::size_t>{0, 1, 2});
  CHECK(seen == std::vector<Floats>{{-5, 0, 1}, {-4, 2, 4}, {0, 2, 4}});

  const std::vector<std::string> unknown = {"nothing"};
  const ProbedModel wrong = append_probes(std::as_bytes(std::span(bytes)), unknown);
  CHECK_THAT(failure([&] {
               Session({"m.onnx", wrong.bytes, ""}, options);
             }).message,
             Catch::Contains("nothing"));
}

TEST_CASE("the names of probes clash with none in the model") {
  Model model = add_relu();
  model.graph->rename(*model.graph->outputs()[0], "qprep.probe.0.0");
  const std::string bytes = bytes_of(std::move(model));
  const std::vector<std::string> tensors = {"h"};
  const ProbedModel probed = append_probes(std::as_bytes(std::span(bytes)), tensors);
  CHECK(probed.outputs.at(0) == "qprep.probe.1.0");
  SessionOptions options;
  std::size_t calls = 0;
  options.probe = [&](std::size_t, DType, std::span<const std::int64_t>, std::span<const std::byte>) {
    ++calls;
  };
  Session({"m.onnx", probed.bytes, ""}, options).run({{"x", Tensor::floats({1, 3}, {1, 2, 3})}});
  CHECK(calls == 1);
}
