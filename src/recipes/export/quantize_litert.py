#!/usr/bin/env python3
"""Quantizes a float .tflite file to int8, weights and activations, all but the tail behind the last layers, which decodes boxes and scores.

    python3 quantize_litert.py MODEL_float32.tflite MODEL_int8.tflite

The calibration pictures are in nhwc.npy beside this file. The model needs a signature (onnx2tf -osd). Inputs and outputs stay floats. Needs
ai-edge-quantizer and ai-edge-litert.
"""

import pathlib
import re
import sys

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_quantizer import qtyping, quantizer, recipe

OPERATORS = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}
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
        waiting += maker.inputs
    return names


def main():
    source, target = sys.argv[1:]
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(pathlib.Path(source).read_bytes(), 0))
    made = quantizer.Quantizer(source, recipe.static_wi8_ai8())
    kept = [("(^|;)(" + "|".join(map(re.escape, float_tail(model))) + ")(;|$)", qtyping.TFLOperationName.ALL_SUPPORTED)]
    kept += [(".*", qtyping.TFLOperationName.INPUT), (".*", qtyping.TFLOperationName.OUTPUT)]
    for names, operators in kept:
        made.update_quantization_recipe(names, operators, algorithm_key="no_quantize")
    (signature,) = model.signatureDefs
    (given,) = signature.inputs
    shown = np.load(pathlib.Path(__file__).parent / "nhwc.npy")
    samples = [{given.name.decode(): picture[None]} for picture in shown]
    seen = made.calibrate({signature.signatureKey.decode(): samples}, num_threads=1)
    made.quantize(seen).export_model(target, overwrite=True)


main()
