#!/usr/bin/env python3
"""Quantizes a float .tflite file to int8, weights and activations, all but the tail behind the last layers, which decodes boxes and scores.

    python3 quantize_litert.py MODEL_float32.tflite MODEL_int8.tflite

The calibration pictures are in nhwc.npy beside this file. Inputs and outputs stay floats. Needs ai-edge-quantizer and ai-edge-litert.
"""

import pathlib
import re
import sys

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_quantizer import qtyping, quantizer, recipe

OPERATORS = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}
KEY = "serving_default"
LAYERS = ("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "FULLY_CONNECTED", "BATCH_MATMUL")


def float_tail(model):
    """Names of what is made on the way from the last layers to the outputs; a convolution of one channel only weighs bins."""
    graph = model.subgraphs[0]
    makers = {value: operator for operator in graph.operators for value in operator.outputs}
    waiting, names, seen = list(graph.outputs), [], set()
    while waiting:
        maker = makers.get(waiting.pop())
        if maker is None or id(maker) in seen:
            continue
        seen.add(id(maker))
        kind = OPERATORS[model.operatorCodes[maker.opcodeIndex].builtinCode]
        if kind in LAYERS and graph.tensors[maker.outputs[0]].shape[-1] > 1:
            continue
        names += [graph.tensors[value].name.decode() for value in maker.outputs]
        waiting.extend(maker.inputs)
    return names


def signed(model):
    """The bytes of the model with a signature, by which the quantizer runs it; onnx2tf writes none."""
    graph, signature = model.subgraphs[0], schema.SignatureDefT()
    signature.signatureKey, signature.subgraphIndex, signature.inputs, signature.outputs = KEY, 0, [], []
    for entries, values, name in (signature.inputs, graph.inputs, "in"), (signature.outputs, graph.outputs, "out"):
        for at, value in enumerate(values):
            entry = schema.TensorMapT()
            entry.name, entry.tensorIndex = f"{name}{at}", int(value)
            entries.append(entry)
    model.signatureDefs = [signature]
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytearray(builder.Output())


def main():
    source, target = sys.argv[1:]
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(pathlib.Path(source).read_bytes(), 0))
    made = quantizer.Quantizer(signed(model), recipe.static_wi8_ai8())
    kept = [("(^|;)(" + "|".join(map(re.escape, float_tail(model))) + ")(;|$)", qtyping.TFLOperationName.ALL_SUPPORTED)]
    kept += [(".*", qtyping.TFLOperationName.INPUT), (".*", qtyping.TFLOperationName.OUTPUT)]
    for names, operators in kept:
        made.update_quantization_recipe(names, operators, algorithm_key="no_quantize")
    shown = np.load(pathlib.Path(__file__).parent / "nhwc.npy")
    seen = made.calibrate({KEY: [{"in0": picture[None]} for picture in shown]}, num_threads=1)
    made.quantize(seen).export_model(target, overwrite=True)


main()
