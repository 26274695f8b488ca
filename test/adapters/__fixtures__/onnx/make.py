"""Makes the small ONNX files that test/adapters/onnx*.test.ts run. Needs the PyPI package onnx: python make.py"""

from pathlib import Path

import onnx
from onnx import TensorProto as T
from onnx.helper import (
    make_graph,
    make_model,
    make_node,
    make_opsetid,
    make_sequence_type_proto,
    make_tensor,
    make_tensor_type_proto,
    make_tensor_value_info as value,
    make_value_info,
)

HERE = Path(__file__).parent


def save(name, nodes, inputs, outputs, constants=()):
    graph = make_graph(nodes, name, inputs, outputs, list(constants))
    opsets = [make_opsetid("", 17), make_opsetid("ai.onnx.ml", 3)]
    model = make_model(graph, opset_imports=opsets, producer_name="skillgate-tests")
    model.ir_version = 8
    onnx.checker.check_model(model)
    onnx.save(model, HERE / f"{name}.onnx")


def identity(name, element_type, shape):
    node = make_node("Identity", ["value"], ["same"])
    save(name, [node], [value("value", element_type, shape)], [value("same", element_type, shape)])


identity("identity-string", T.STRING, ["N"])
identity("identity-int64", T.INT64, ["N"])
identity("identity-bool", T.BOOL, ["N", "M"])
identity("identity-float16", T.FLOAT16, ["N"])
identity("fixed-batch", T.FLOAT, [1, 3])

save(
    "add",
    [make_node("Add", ["left", "right"], ["sum"])],
    [value("left", T.FLOAT, ["N", 2]), value("right", T.FLOAT, ["N", 2])],
    [value("sum", T.FLOAT, ["N", 2])],
)

# Class scores by a matrix product: the three features are the logits, in another order.
save(
    "logits",
    [
        make_node("MatMul", ["features", "weights"], ["logits"]),
        make_node("ArgMax", ["logits"], ["class"], axis=1, keepdims=0),
    ],
    [value("features", T.FLOAT, ["N", 3])],
    [value("logits", T.FLOAT, ["N", 3]), value("class", T.INT64, ["N"])],
    [make_tensor("weights", T.FLOAT, [3, 3], [0, 1, 0, 0, 0, 1, 1, 0, 0])],
)

# Speaks as models/language-identification does: text in, label and probabilities out. It knows two words.
save(
    "two-words",
    [
        make_node(
            "LabelEncoder", ["text"], ["class"], domain="ai.onnx.ml",
            keys_strings=["Hello", "Bonjour"], values_int64s=[1, 2], default_int64=0,
        ),
        make_node(
            "LabelEncoder", ["class"], ["label"], domain="ai.onnx.ml",
            keys_int64s=[1, 2], values_strings=["en", "fr"], default_string="unknown",
        ),
        make_node("Gather", ["table", "class"], ["probabilities"], axis=0),
    ],
    [value("text", T.STRING, ["N"])],
    [value("label", T.STRING, ["N"]), value("probabilities", T.FLOAT, ["N", 3])],
    [make_tensor("table", T.FLOAT, [3, 3], [0.5, 0.25, 0.25, 0, 1, 0, 0.125, 0.125, 0.75])],
)

# Fails while it runs, where the index is beyond the three values.
save(
    "pick",
    [make_node("Gather", ["values", "index"], ["picked"])],
    [value("index", T.INT64, [])],
    [value("picked", T.FLOAT, [])],
    [make_tensor("values", T.FLOAT, [3], [10, 20, 30])],
)

# Gives infinity for 0, which JSON cannot carry.
save(
    "reciprocal",
    [make_node("Reciprocal", ["value"], ["inverse"])],
    [value("value", T.FLOAT, ["N"])],
    [value("inverse", T.FLOAT, ["N"])],
)

# A sequence beside a tensor, as converted scikit-learn classifiers have it.
save(
    "sequence",
    [make_node("Identity", ["value"], ["same"]), make_node("SequenceConstruct", ["value"], ["list"])],
    [value("value", T.FLOAT, ["N"])],
    [
        value("same", T.FLOAT, ["N"]),
        make_value_info("list", make_sequence_type_proto(make_tensor_type_proto(T.FLOAT, ["N"]))),
    ],
)

# Keeps its weights in a file beside it, which is missing.
weights = make_tensor("weights", T.FLOAT, [1], [1])
weights.ClearField("float_data")
weights.data_location = T.EXTERNAL
weights.external_data.add(key="location", value="weights.bin")
graph = make_graph(
    [make_node("Add", ["value", "weights"], ["sum"])],
    "external",
    [value("value", T.FLOAT, ["N"])],
    [value("sum", T.FLOAT, ["N"])],
    [weights],
)
model = make_model(graph, opset_imports=[make_opsetid("", 17)], producer_name="skillgate-tests")
model.ir_version = 8
(HERE / "external.onnx").write_bytes(model.SerializeToString())

# Multiplies matrices for as many rounds as it is told: about a microsecond each.
matrix = [16, 16]
body = make_graph(
    [make_node("MatMul", ["before", "unit"], ["after"]), make_node("Identity", ["go"], ["go_on"])],
    "round",
    [value("round", T.INT64, []), value("go", T.BOOL, []), value("before", T.FLOAT, matrix)],
    [value("go_on", T.BOOL, []), value("after", T.FLOAT, matrix)],
)
save(
    "slow",
    [
        make_node("Loop", ["rounds", "", "unit"], ["last"], body=body),
        make_node("ReduceSum", ["last"], ["trace"], keepdims=0),
    ],
    [value("rounds", T.INT64, [])],
    [value("trace", T.FLOAT, [])],
    [make_tensor("unit", T.FLOAT, matrix, [float(i == j) for i in range(16) for j in range(16)])],
)
