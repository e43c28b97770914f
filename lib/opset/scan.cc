#include <algorithm>
#include <memory>

#include "opset/adapters.h"

namespace qprep::adapters {
namespace {

// The type of a slice along the first axis.
Type slice_of(Type type) {
  if (type.shape && !type.shape->empty()) type.shape->erase(type.shape->begin());
  return type;
}

}  // namespace

// Old: Scan(lengths, states..., sequences...) runs for each sample of a batch: states and sequences have the
// batch as axis 0, and axis 1 is scanned. New: there is no batch, and no lengths. So a Scan over the batch,
// with nothing to carry from one sample to the next, whose body is the Scan of one sample.
void scan_each_batch(Adaptation& a) {
  Node& node = a.node();
  if (a.input(0)) {
    throw Refusal{"its input 'sequence_lens' gives each sample a length, which the newer version cannot say",
                  "export the model at opset 9 or newer"};
  }
  const auto sequences = static_cast<std::size_t>(a.integer("num_scan_inputs").value_or(0));
  const std::size_t inputs = node.input_count() == 0 ? 0 : node.input_count() - 1;
  if (sequences == 0 || sequences > inputs) {
    throw Refusal{"its attribute 'num_scan_inputs' does not fit its inputs", "correct the model"};
  }
  if (node.bodies().size() != 1) throw Refusal{"it has no body", "correct the model"};

  for (std::size_t i = 0; i < inputs; ++i) node.set_input(i, &a.required_input(i + 1));
  node.truncate_inputs(inputs);
  auto batch = std::make_unique<Graph>(node.graph().names(), &node);
  std::vector<Value*> slices;
  for (std::size_t i = 0; i < inputs; ++i) {
    const std::string name = node.graph().names().values.fresh(node.input(i)->name() + "_sample");
    slices.push_back(&batch->add_input(name, slice_of(node.input(i)->type())));
  }
  std::vector<std::string> names;
  for (std::size_t i = 0; i < node.output_count(); ++i) names.push_back(node.output(i).name() + "_sample");
  Node& sample =
      batch->insert(nullptr, {.op = "Scan", .inputs = slices, .outputs = names, .name = node.name()});
  for (std::size_t i = 0; i < node.output_count(); ++i) {
    sample.output(i).set_type(slice_of(node.output(i).type()));
    batch->add_output(sample.output(i));
  }

  sample.set_attribute("body", node.take_attribute("body"));
  sample.bodies().front()->set_holder(sample);
  sample.set_attribute("num_scan_inputs", static_cast<std::int64_t>(sequences));
  if (const auto directions = a.integers("directions")) {
    sample.set_attribute("scan_input_directions", *directions);
    a.erase_attribute("directions");
  }
  node.set_attribute("num_scan_inputs", static_cast<std::int64_t>(inputs));
  node.set_attribute("body", std::move(batch));
}

}  // namespace qprep::adapters
