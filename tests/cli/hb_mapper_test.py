"""Configurations of hb_mapper, hb_compile and hmct from the command line: real ones unchanged, if QPREP_SHARED
names the folder that has them, on models that this test makes for them; and what each key changes."""

import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

ROOT = Path(__file__).resolve().parents[2]
QPREP = Path(sys.argv.pop(1)).resolve() if len(sys.argv) > 1 else None
REAL = Path(os.environ.get("QPREP_SHARED", ROOT.parent / "shared")) / "hb_yaml"
MEAN = np.array([123.675, 116.28, 103.53], np.float32).reshape(1, 3, 1, 1)
SCALE = np.array([0.01712475, 0.017507, 0.01742919], np.float32).reshape(1, 3, 1, 1)
SIZE = 16
RANDOM = np.random.default_rng(7)


def qprep(*arguments, cwd=None):
    command = [QPREP, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=cwd, check=False)


def run(path, feeds):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, feeds)


class ModelMaker:
    """A small network of pictures in which nodes of given names stand one after the other."""

    def __init__(self, channels=3, shape=None):
        self.shape = shape or [1, channels, SIZE, SIZE]
        self.nodes, self.weights = [], []
        self.present = "images"
        self.conv("/stem/Conv", self.shape[1], 8)
        self.node("/stem/Relu", "Relu", [self.present])

    def constant(self, name, values):
        self.weights.append(numpy_helper.from_array(values, name))
        return name

    def node(self, name, op, inputs, **attributes):
        output = name.strip("/") + "_out"
        self.nodes.append(helper.make_node(op, inputs, [output], name=name, **attributes))
        self.present = output

    def conv(self, name, before, after):
        weight = self.constant(
            name + ".weight", RANDOM.normal(0, before**-0.5, (after, before, 1, 1)).astype(np.float32)
        )
        self.node(name, "Conv", [self.present, weight])

    def named(self, name):
        """A node of the operator that the name ends in."""
        op = next(
            part
            for part in ("Softmax", "ReduceMean", "Pow", "Mul", "mul", "Sub", "Add", "Conv", "MatMul")
            if part in name.replace("p2o.", "").split("/")[-1]
        )
        if op == "Conv":
            return self.conv(name, 8, 8)
        if op == "Softmax":
            return self.node(name, op, [self.present], axis=1)
        if op == "ReduceMean":
            before = self.present
            self.node(name, op, [before], axes=[1], keepdims=1)
            return self.node(name + "_added", "Add", [before, self.present])
        value = 2.0 if op == "Pow" else 0.5
        constant = self.constant(name + ".constant", np.full([], value, np.float32))
        return self.node(name, "Mul" if op == "mul" else op, [self.present, constant])

    def save(self, path):
        self.conv("/head/Conv", 8, 4)
        graph = helper.make_graph(
            self.nodes,
            "made",
            [helper.make_tensor_value_info("images", TensorProto.FLOAT, self.shape)],
            [helper.make_tensor_value_info(self.present, TensorProto.FLOAT, None)],
            self.weights,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
        path.parent.mkdir(parents=True, exist_ok=True)
        onnx.save(onnx.shape_inference.infer_shapes(model), path)


def pictures(count=6):
    """RGB in 0..255, smooth enough to be of this world."""
    yield np.zeros((1, 3, SIZE, SIZE), np.float32)
    yield np.full((1, 3, SIZE, SIZE), 255, np.float32)
    for _ in range(count - 2):
        yield RANDOM.integers(0, 256, (1, 3, SIZE, SIZE)).astype(np.float32)


def yuv444_128(rgb):
    """BT.601, full range, less 128."""
    r, g, b = rgb[:, 0], rgb[:, 1], rgb[:, 2]
    y = 0.299 * r + 0.587 * g + 0.114 * b
    u = (b - y) / 1.772 + 128
    v = (r - y) / 1.402 + 128
    return (np.stack([y, u, v], 1) - 128).astype(np.float32)


class Case(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="qprep_hb_")
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name) / "a/b/c/d"
        self.folder.mkdir(parents=True)

    def samples(self, name="calibration_data_rgb_f32", data=None):
        folder = (self.folder / name).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        for i, sample in enumerate(data or pictures()):
            sample.tofile(folder / f"{i:04}.rgb")

    def config(self, text, name="config.yaml"):
        path = self.folder / name
        path.write_text(text)
        return path

    def near(self, prefix, feed, wanted, folder="model_output", tolerance=0.06):
        for form in ("calibrated", "fixed"):
            (got,) = run(self.folder / folder / f"{prefix}_{form}.onnx", {"images": feed})
            error = np.sqrt(np.mean((got - wanted) ** 2)) / (np.sqrt(np.mean(wanted**2)) + 1e-9)
            self.assertLess(error, tolerance, form)


@unittest.skipUnless(REAL.is_dir(), f"there are no configurations at {REAL}")
class RealFiles(Case):
    def real(self, name):
        (path,) = REAL.glob(name)
        return self.config(path.read_text(), path.name)

    def prepared(self, name, *, model, nodes=(), folder, prefix, data="calibration_data_rgb_f32", shape=None):
        """Result: a random picture and what the float model makes of it."""
        config = self.real(name)
        made = ModelMaker(shape=shape)
        for node in nodes:
            made.named(node)
        made.save((self.folder / model).resolve())
        self.samples(data, [RANDOM.normal(0, 1, shape).astype(np.float32) for _ in range(4)] if shape else None)
        result = qprep("prepare", "-c", config)
        self.assertEqual(result.returncode, 0, result.stderr)
        files = sorted(path.name for path in (self.folder / folder).iterdir())
        for form in ("qat", "calibrated", "fixed"):
            self.assertIn(f"{prefix}_{form}.onnx", files)
        return (self.folder / model).resolve()

    def test_every_file_passes_the_check_unchanged(self):
        files = sorted(REAL.glob("*.yaml"))
        self.assertGreater(len(files), 15)
        result = qprep("config", "check", *files)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stdout.count(": ok"), len(files))

    def test_mobilenet(self):
        prefix = folder = "MobileNetv4_small_224x224_nv12"
        model = self.prepared(
            "MobileNetV4_small*", model="mobilenetv4_conv_small.onnx", folder=folder, prefix=prefix
        )
        rgb = list(pictures())[-1]
        (wanted,) = run(model, {"images": (rgb - MEAN) * SCALE})
        self.near(prefix, yuv444_128(rgb), wanted, folder)

    def test_convnext_with_node_info(self):
        scope = "/stages/stages.3/downsample/downsample.0/"
        nodes = ["/stages/stages.3/blocks/blocks.0/norm/ReduceMean_1"]
        nodes += [scope + name for name in ("ReduceMean", "Sub", "Pow", "Div_mul")]
        prefix = folder = "ConvNeXt-deploy_224x224_nv12"
        model = self.prepared(
            "ConvNeXt_femto*",
            model="../../../01_common/model_zoo/mapper/classification/ConvNeXt/convnext_atto.onnx",
            nodes=nodes,
            folder=folder,
            prefix=prefix,
        )
        rgb = list(pictures())[-1]
        (wanted,) = run(model, {"images": (rgb - MEAN) * SCALE})
        self.near(prefix, yuv444_128(rgb), wanted, folder, tolerance=0.15)
        report = json.loads((self.folder / folder / "model_check_result.json").read_text())
        text = json.dumps(report)
        self.assertIn("ConvNeXt_femto__ConvNeXt.yaml", text)
        self.assertIn("qint16", text)

    def test_efficientnet_with_node_info(self):
        blocks = "/blocks/blocks.6/blocks.6.0/"
        nodes = ["/blocks/blocks.0/blocks.0.0/conv_dw/Conv", "/blocks/blocks.5/blocks.5.0/conv_pwl/Conv"]
        nodes += [blocks + name for name in ("conv_dw/Conv", "se/ReduceMean", "se/Mul", "conv_pwl/Conv")]
        prefix = folder = "EfficientNet_224x224_nv12"
        model = self.prepared(
            "EfficientNet_B2*", model="efficientnet_b2.onnx", nodes=nodes, folder=folder, prefix=prefix
        )
        rgb = list(pictures())[-1]
        (wanted,) = run(model, {"images": (rgb - MEAN) * SCALE})
        self.near(prefix, yuv444_128(rgb), wanted, folder)

    def test_yolo_with_optimization(self):
        model = self.prepared(
            "config__source*",
            model="../ONNX/yolo11s.onnx",
            nodes=["/model.23/dfl/Softmax"],
            folder="bpu_model_output",
            prefix="yolo11s_detect_bayese_640x640_nv12",
            data="../calibration_data_rgb_f32_coco_640",
        )
        rgb = list(pictures())[-1]
        (wanted,) = run(model, {"images": rgb * np.float32(0.003921568627451)})
        self.near("yolo11s_detect_bayese_640x640_nv12", yuv444_128(rgb), wanted, "bpu_model_output")

    def test_yolo_in_rgb(self):
        prefix = folder = "yolov5n_tag_v7.0_detect_640x640_bayese_nv12"
        model = self.prepared(
            "yolov5*",
            model="onnx/yolov5n_tag_v7.0_detect.onnx",
            folder=folder,
            prefix=prefix,
            data="calibration_data_rgb_f32_coco_640",
        )
        rgb = list(pictures())[-1]
        (wanted,) = run(model, {"images": rgb * np.float32(0.003921568627451)})
        self.near(prefix, rgb - 128, wanted, folder)

    def test_paddleocr_takes_features(self):
        prefix = "en_PP-OCRv3_rec_infer-deploy_48x320_rgb"
        shape = [1, 3, 8, 20]
        model = self.prepared(
            "paddleocr*",
            model="en_PP-OCRv3_rec_infer.onnx",
            nodes=["p2o.Softmax.0", "p2o.Softmax.1", "p2o.Softmax.2"],
            folder="model_output",
            prefix=prefix,
            shape=shape,
        )
        x = RANDOM.normal(0, 1, shape).astype(np.float32)
        (wanted,) = run(model, {"images": x})
        self.near(prefix, x, wanted)

    def test_a_node_that_the_model_lacks_is_said_at_its_line(self):
        config = self.real("ConvNeXt_femto*")
        model = "../../../01_common/model_zoo/mapper/classification/ConvNeXt/convnext_atto.onnx"
        ModelMaker().save((self.folder / model).resolve())
        self.samples()
        result = qprep("prepare", "-c", config)
        self.assertEqual(result.returncode, 1)
        self.assertIn("[no-match]", result.stderr)
        self.assertIn("ConvNeXt_femto__ConvNeXt.yaml:", result.stderr)

    def test_a_percentile_is_the_method(self):
        config = self.real("EdgeNeXt_base*")
        shown = json.loads(qprep("config", "show", config, "--json").stdout)
        self.assertTrue(shown["ok"])
        result = qprep("prepare", "-c", config)
        self.assertEqual(result.returncode, 1)
        self.assertNotIn("[not-yet]", result.stderr)
        self.assertIn("edgenext_base.onnx", result.stderr)


MINIMAL = """\
model_parameters:
  {model}
  march: bayes
  output_model_file_prefix: net
  working_dir: model_output
  {more_model}
input_parameters:
  input_type_train: {train}
  input_type_rt: {rt}
  input_layout_train: NCHW
  {norm}
calibration_parameters:
  calibration_type: {method}
  {data}
  {more}
compiler_parameters:
  compile_mode: latency
  optimize_level: O2
"""


def minimal(**changes):
    values = {
        "model": "onnx_model: net.onnx",
        "more_model": "",
        "train": "rgb",
        "rt": "rgb",
        "norm": "norm_type: no_preprocess",
        "method": "max",
        "data": "cal_data_dir: calibration_data_rgb_f32",
        "more": "",
    }
    return MINIMAL.format(**{**values, **changes})


class Keys(Case):
    def setUp(self):
        super().setUp()
        ModelMaker().save(self.folder / "net.onnx")

    def test_a_model_on_the_command_line_and_a_folder_override_the_file(self):
        self.samples()
        config = self.config(minimal(model="onnx_model: elsewhere.onnx"))
        result = qprep("prepare", self.folder / "net.onnx", "-c", config, "-o", self.folder / "out")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertTrue((self.folder / "out/net_fixed.onnx").exists())
        self.assertFalse((self.folder / "model_output").exists())

    def test_without_any_model_the_mistake_is_said(self):
        result = qprep("prepare", "-c", self.config(minimal(model="")))
        self.assertEqual(result.returncode, 1)
        self.assertIn("no model is named, neither on the command line nor in 'model_parameters.onnx_model'", result.stderr)

    def test_caffe_is_refused_by_name(self):
        result = qprep("prepare", "-c", self.config(minimal(model="caffe_model: net.caffemodel")))
        self.assertEqual(result.returncode, 1)
        self.assertIn("'model_parameters.caffe_model' cannot be carried out: qprep reads ONNX models", result.stderr)

    def test_skip_writes_the_qat_form_alone(self):
        result = qprep("prepare", "-c", self.config(minimal(method="skip", data="")))
        self.assertEqual(result.returncode, 0, result.stderr)
        files = sorted(path.name for path in (self.folder / "model_output").glob("*.onnx"))
        self.assertEqual(files, ["net_qat.onnx"])

    def test_output_nodes_are_the_outputs_from_now_on(self):
        text = minimal(method="skip", data="", more_model="output_nodes: /stem/Relu")
        result = qprep("prepare", "-c", self.config(text))
        self.assertEqual(result.returncode, 0, result.stderr)
        report = (self.folder / "model_output/model_check_result.txt").read_text()
        self.assertIn("the outputs are 'stem/Relu_out'", report)
        written = onnx.load(self.folder / "model_output/net_qat.onnx")
        self.assertEqual([output.name for output in written.graph.output], ["stem/Relu_out"])
        self.assertNotIn("/head/Conv", [node.name for node in written.graph.node])
        onnx.checker.check_model(written, full_check=True)
        result = qprep("prepare", "-c", self.config(text.replace("/stem/Relu", "/stem/Rleu")))
        self.assertEqual(result.returncode, 1)
        self.assertIn("did you mean '/stem/Relu'?", result.stderr)

    def test_load_takes_the_scales_that_the_model_carries(self):
        self.samples()
        self.assertEqual(qprep("prepare", "-c", self.config(minimal())).returncode, 0)
        calibrated = self.folder / "model_output/net_calibrated.onnx"
        text = minimal(method="load", data="", train="featuremap", rt="featuremap")
        result = qprep("prepare", calibrated, "-c", self.config(text), "-o", self.folder / "out")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertTrue((self.folder / "out/net_fixed.onnx").exists())

    def test_load_with_samples_fills_what_the_model_lacks(self):
        self.samples()
        load = minimal(method="load", train="featuremap", rt="featuremap")
        result = qprep("prepare", "-c", self.config(load))
        self.assertEqual(result.returncode, 1)
        self.assertIn("config.yaml:", result.stderr)
        self.assertIn("'calibration_type' load keeps the scales that the model carries, and net.onnx carries none", result.stderr)
        self.assertIn("[no-scales]", result.stderr)

        self.assertEqual(qprep("prepare", "-c", self.config(minimal())).returncode, 0)
        model = onnx.load(self.folder / "model_output/net_calibrated.onnx")
        # What one Dequantize makes is read before the Quantize of it, as in a model that has no scale there.
        constants = {each.name for each in model.graph.initializer}
        pairs = [(a, b) for a in model.graph.node for b in model.graph.node
                 if a.op_type == "QuantizeLinear" and b.op_type == "DequantizeLinear" and b.input[0] == a.output[0]
                 and a.input[0] not in constants]
        self.assertGreater(len(pairs), 2)
        carried = {a.input[0]: next(numpy_helper.to_array(each) for each in model.graph.initializer if each.name == a.input[1])
                   for a, _ in pairs}
        quantise, dequantise = pairs[len(pairs) // 2]
        for node in model.graph.node:
            for i, name in enumerate(node.input):
                if name == dequantise.output[0]:
                    node.input[i] = quantise.input[0]
        for node in (quantise, dequantise):
            model.graph.node.remove(node)
        onnx.save(model, self.folder / "carries.onnx")
        result = qprep("prepare", self.folder / "carries.onnx", "-c", self.config(load), "-o", self.folder / "out")
        self.assertEqual(result.returncode, 0, result.stderr)
        report = json.loads((self.folder / "out/model_check_result.json").read_text())
        self.assertIn("tensors without one of their own are calibrated, with auto", json.dumps(report["diagnostics"]))
        self.assertEqual([row["tensor"] for row in report["calibrated"]], [quantise.input[0]])
        written = onnx.load(self.folder / "out/net_calibrated.onnx")
        values = {each.name: numpy_helper.to_array(each) for each in written.graph.initializer}
        scales = sorted(float(values[node.input[1]]) for node in written.graph.node
                        if node.op_type == "QuantizeLinear" and node.input[0] not in values)
        for tensor, scale in carried.items():
            if tensor != quantise.input[0]:
                self.assertIn(float(scale), scales, tensor)

    def test_a_sample_of_another_size_is_said_with_both_sizes(self):
        self.samples(data=[np.zeros(5, np.float32)])
        result = qprep("prepare", "-c", self.config(minimal()))
        self.assertEqual(result.returncode, 1)
        self.assertIn("the file has 20 bytes", result.stderr)
        self.assertIn(f"takes {3 * SIZE * SIZE * 4} as float32", result.stderr)

    def test_a_folder_of_samples_that_is_missing_is_told_at_its_line(self):
        self.samples("calibration_data_rgb_f23")
        text = minimal()
        line = text[: text.index("calibration_data_rgb")].count("\n") + 1
        result = qprep("prepare", "-c", self.config(text))
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, rf"yaml:{line}:\d+: error: the folder of samples '.*calibration_data_rgb_f32' is not there "
                         r"\(did you mean 'calibration_data_rgb_f23'\?\) \[file-access\]")

    def test_bytes_are_samples_too(self):
        self.samples("bytes", [picture.astype(np.uint8) for picture in pictures()])
        text = minimal(data="cal_data_dir: bytes\n  cal_data_type: uint8")
        result = qprep("prepare", "-c", self.config(text))
        self.assertEqual(result.returncode, 0, result.stderr)
        rgb = list(pictures())[-1]
        (wanted,) = run(self.folder / "net.onnx", {"images": rgb})
        self.near("net", rgb - 128, wanted)

    def test_the_scale_of_a_picture_is_1(self):
        self.samples()
        self.assertEqual(qprep("prepare", "-c", self.config(minimal())).returncode, 0)
        model = onnx.load(self.folder / "model_output/net_fixed.onnx")
        first = next(node for node in model.graph.node if "images" in node.input)
        scale = next(each for each in model.graph.initializer if each.name == first.input[1])
        self.assertEqual(numpy_helper.to_array(scale), 1)

    def test_run_on_cpu_leaves_a_node_float_and_run_on_bpu_says_why_not(self):
        self.samples()
        text = minimal(more="run_on_cpu: /stem/Relu\n  run_on_bpu: /head/Conv")
        result = qprep("explain", self.folder / "net.onnx", "/stem/Relu", "-c", self.config(text))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("run_on_cpu '/stem/Relu'", result.stdout)
        self.assertNotIn("not-on-bpu", result.stderr)
        made = ModelMaker()
        made.node("/draw", "Bernoulli", [made.present])
        made.save(self.folder / "net.onnx")
        text = minimal(more="run_on_bpu: /draw")
        result = qprep("explain", self.folder / "net.onnx", "/draw", "-c", self.config(text))
        self.assertIn("'/draw' is wanted on the BPU, and stays on the CPU", result.stderr)
        self.assertIn("[not-on-bpu]", result.stderr)

    def test_reasons_and_remedies_speak_of_its_own_keys(self):
        made = ModelMaker(shape=["N", 3, SIZE, SIZE])
        made.node("/soft", "Softmax", [made.present], axis=1)
        made.conv("/head/Last", 8, 8)
        made.save(self.folder / "net.onnx")
        config = self.config(minimal())
        for words in (["explain", self.folder / "net.onnx", "/soft"], ["check", self.folder / "net.onnx"]):
            told = qprep(*words, "-c", config).stdout
            for key in "qconfig_setter", "'dims", "of its own":
                self.assertNotIn(key, told)
        told = qprep("explain", self.folder / "net.onnx", "/soft", "-c", config).stdout
        self.assertIn("as by 'run_on_bpu'", told)
        self.assertIn("name it in 'run_on_bpu', or give it 'ON: BPU' in 'node_info'", told)

    def test_a_tail_that_is_wanted_on_the_bpu_is_quantised(self):
        model = onnx.load(self.folder / "net.onnx")
        end = model.graph.output[0].name
        model.graph.node.append(helper.make_node("Softmax", [end], ["last"], name="/last", axis=1))
        model.graph.output[0].CopyFrom(helper.make_tensor_value_info("last", TensorProto.FLOAT, None))
        onnx.save(model, self.folder / "net.onnx")
        for more, device in ("", "CPU"), ("run_on_bpu: /last", "BPU"):
            result = qprep(
                "explain", self.folder / "net.onnx", "/last", "-c", self.config(minimal(more=more)), "--json"
            )
            self.assertEqual(json.loads(result.stdout)["nodes"][0]["device"], device, more)

    def test_ends_are_cut_off(self):
        self.samples()
        made = ModelMaker()
        made.save(self.folder / "net.onnx")
        model = onnx.load(self.folder / "net.onnx")
        end = model.graph.output[0].name
        model.graph.node.append(helper.make_node("Transpose", [end], ["last"], name="/last", perm=[0, 2, 3, 1]))
        model.graph.output[0].CopyFrom(helper.make_tensor_value_info("last", TensorProto.FLOAT, [1, SIZE, SIZE, 4]))
        onnx.save(model, self.folder / "net.onnx")
        text = minimal(more_model="remove_node_type: Quantize;Transpose;Reshape")
        result = qprep("prepare", "-c", self.config(text), "-v")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("Transpose '/last' is cut off from the output 'last' [graph-cut]", result.stderr)
        (got,) = run(self.folder / "model_output/net_fixed.onnx", {"images": list(pictures())[-1] - 128})
        self.assertEqual(got.shape, (1, 4, SIZE, SIZE))

    def test_mistakes_are_said_all_at_once(self):
        text = minimal(norm="norm_type: data_scale", method="kld", rt="nv21", more="max_percentil: 1")
        result = qprep("config", "check", self.config(text))
        self.assertEqual(result.returncode, 1)
        for words in (
            "'input_parameters.input_type_rt' must be one of rgb, bgr, yuv444, nv12, gray, featuremap, not 'nv21'"
            " (did you mean 'nv12'?)",
            "'norm_type' is data_scale, but there is no 'input_parameters.scale_value'",
            "'calibration_parameters.calibration_type' must be one of default, mix, kl, max, load, skip, not 'kld'",
            "unknown key 'max_percentil' in 'calibration_parameters' (did you mean 'max_percentile'?)",
        ):
            self.assertIn(words, result.stderr)


class Hmct(Case):
    def test_a_quant_config_alone_in_json(self):
        ModelMaker().save(self.folder / "net.onnx")
        text = json.dumps(
            {
                "model_config": {"all_node_type": "int16"},
                "op_config": {"Conv": {"qtype": "int8"}},
                "node_config": {"/stem/Relu": {"ON": "CPU"}},
            }
        )
        config = self.config(text, "quant.json")
        result = qprep("config", "check", config)
        self.assertEqual(result.returncode, 0, result.stderr)
        result = qprep("explain", self.folder / "net.onnx", "-c", config)
        self.assertEqual(result.returncode, 0, result.stderr)
        for words in ("node_config '/stem/Relu' ON", "op_config 'Conv' qtype", "model_config.all_node_type"):
            self.assertIn(words, result.stdout)

    def test_a_search_of_a_file_of_hb_compile(self):
        """Of the methods of its quant_config, by its metric."""
        ModelMaker().save(self.folder / "net.onnx")
        self.samples("samples_f32")
        search = {
            "activation": {"calibration_type": ["max", "kl"], "num_bin": [1024], "max_percentile": [0.9, 1.0]},
            "modelwise_search": {"metric": "mae"},
        }
        text = (
            "model_parameters: {onnx_model: net.onnx, march: nash-m}\n"
            "input_parameters: {input_type_rt: featuremap, input_type_train: featuremap, input_layout_train: NCHW}\n"
            "calibration_parameters:\n  cal_data_dir: samples_f32\n  cal_data_type: float32\n"
            f"  calibration_type: max\n  quant_config: {json.dumps({'model_config': search})}\n"
            "compiler_parameters: {jobs: 1}\n"
        )
        result = qprep("prepare", "-c", self.config(text), "-o", self.folder / "out")
        self.assertEqual(result.returncode, 0, result.stderr)
        report = json.loads((self.folder / "out/model_check_result.json").read_text())
        rows = [row for row in report["methods_compared"] if row["corrects_biases"]]
        self.assertEqual([row["method"] for row in rows], ["percentile 90", "min_max", "kl, 1024 bins"])
        self.assertIn("the best by mean absolute error", (self.folder / "out/model_check_result.txt").read_text())

    def test_a_method_by_itself_is_held_against_the_float_model(self):
        """And what costs the most is measured where results are far off, as the file has no word to ask for it."""
        ModelMaker().save(self.folder / "net.onnx")
        self.samples("samples_f32")
        text = (
            "model_parameters: {onnx_model: net.onnx, march: nash-m}\n"
            "input_parameters: {input_type_rt: featuremap, input_type_train: featuremap, input_layout_train: NCHW}\n"
            "calibration_parameters: {cal_data_dir: samples_f32, cal_data_type: float32, calibration_type: max, max_percentile: PERCENT}\n"
            "compiler_parameters: {jobs: 1}\n"
        )
        far = {}
        for percent in ("1.0", "0.6"):
            out = self.folder / percent
            result = qprep("prepare", "-c", self.config(text.replace("PERCENT", percent)), "-o", out)
            self.assertEqual(result.returncode, 0, result.stderr)
            report = json.loads((out / "model_check_result.json").read_text())
            (row,) = report["methods_compared"]
            far[percent] = row["error"]
            self.assertEqual(report["sensitivity"] is not None, row["error"] >= 0.0025, row)
        self.assertLess(far["1.0"], 0.0025)
        self.assertGreater(far["0.6"], 0.0025)


class Documents(Case):
    """The examples of the manual."""

    def example(self, page, kind):
        text = (ROOT / "docs" / page).read_text()
        return text.split(f"```{kind}\n", 1)[1].split("```", 1)[0]

    def test_hb_mapper(self):
        ModelMaker().save(self.folder / "net.onnx")
        self.samples("samples_f32")
        result = qprep("prepare", "-c", self.config(self.example("config_hb_mapper.md", "yaml")))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertTrue((self.folder / "model_output/net_fixed.onnx").exists())

    def test_hmct(self):
        made = ModelMaker()
        made.named("/b/Softmax")
        made.save(self.folder / "net.onnx")
        config = self.config(self.example("config_hmct.md", "json"), "quant_config.json")
        result = qprep("prepare", self.folder / "net.onnx", "-c", config, "-o", self.folder / "out")
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_the_page_speaks_of_every_key(self):
        text = (ROOT / "docs/config_hb_mapper.md").read_text()
        keys = [
            line.split(":")[0].strip()
            for line in (ROOT / "configs/hb_keys.yaml").read_text().split("conversions:")[0].splitlines()
            if line.startswith("  ") and not line.startswith("   ") and ":" in line
        ]
        self.assertGreater(len(keys), 40)
        for key in keys:
            self.assertIn(f"`{key}`", text)


if __name__ == "__main__":
    unittest.main()
