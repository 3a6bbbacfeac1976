/**
 * Options of `train`.
 *
 * @module
 */

import { Option } from "npm:@commander-js/extra-typings@15.1.0";
import { inputSize, integerIn, numberIn } from "./arguments.ts";
import { elasticOptions } from "./elastic_options.ts";
import { decayByOption, fixedNormOption } from "./fine_tuning_options.ts";
import { distilOptions } from "./distil_options.ts";
import {
  firstPixelOption,
  maxPixelsOption,
  memoryLimitOption,
  noPlotsOption,
  precisionOption,
  strictOption,
} from "./detection_options.ts";
import { photonicNames } from "../hardware/photonic/array.ts";
import { PSA_KINDS } from "../models/yolo11.ts";
import { deviceVerb } from "./verb.ts";

const LARGEST = 2 ** 31 - 1;

const EXAMPLES = `deno task train --model yolo11n --data bccd --size 256 --epochs 40 --flip-vertical 0.5 --out runs/bccd
  deno task train --resume runs/bccd`;

/** Says what the options do not. */
const MORE = `
Files in the folder of the run: best.onnx (the averaged weights of the best epoch), best.ckpt, last.ckpt (go on with
--resume), log.jsonl (a JSON object a line), results.csv (a line an epoch), curves.svg; and, without --no-plots, labels.svg
(classes, places and sizes of boxes), batch-1.jpg to batch-3.jpg (what training sees, with boxes), and of the best epoch
precision-recall.svg, confidence.svg, confusion.svg (overlap of 0.45, score of 0.25), validation.jpg (labels beside what was
found). Ctrl-C ends the run after the running update, with last.ckpt written and exit status 130; a second one ends it at
once.

A model that is named (yolo11n, yolov5n, yolo11lite-shufflenetv2-1.0x ...) is built for the classes of the data set, with the
weights of its file where that is there, and else, or with --no-pretrained, --width, --depth or --psa, with random ones. A file is trained further as the graph that it is. Where
classes are others, class layers begin anew. In files whose BatchNormalization is folded into the convolutions, as in exports, it is unfolded: statistics are
estimated on 64 pictures, so that the model computes what it computed.

In batches of a few pictures the statistics of a batch say little: --fixed-norm keeps those that a trained model has.

With --quantize the figures and best.onnx are those of the rounded model; checkpoints hold the floats, from which
training goes on. int8 begins with trained weights, since the ranges of activations are measured before.

The loss is that of the head: YOLO11's, or YOLOv5's for a head with anchors and objectness. Other defaults are YOLO11's
published ones but for epochs, batch and size: AdamW with a rate of 0.01 / (4 + classes) for runs
of up to 10,000 updates, else SGD with 0.01; linear decay to 1 %; warm-up of 3 epochs or 100 steps, here at most a fifth
of the run; weight decay 0.0005 for 64 pictures an update; moving average of the weights; mosaic but in the last epochs.`;

/** A command for training. What options it has of its own comes first in its help; their types are those of `TrainingRequest`. */
export type CommandOfDevice = ReturnType<typeof deviceVerb>;

/** `train` with its options. */
export function trainCommand() {
  const command = deviceVerb("train", "Train a detector on a data set.", EXAMPLES)
    .option("--model <model>", "name, ONNX file or URL; needed unless the run is resumed")
    .addOption(distilOptions.teacher());
  return trainingOptions(command as CommandOfDevice).addHelpText("after", MORE);
}

/** Options that every training has, whatever it calls its model. */
export function trainingOptions(command: CommandOfDevice) {
  const fraction = numberIn(0, 1);
  return command
    .option(
      "--data <set>",
      "data set: synthetic, bccd, coco, a folder, or its data.yaml; needed unless the run is resumed",
    )
    .option("--out <folder>", "where the run's files go; needed unless the run is resumed")
    .option("--resume <place>", "go on with the run of a folder, or from a checkpoint file")
    .option("--pretrained", "take the trained weights of the name's file; they are taken by default where it is there")
    .option("--no-pretrained", "begin a model that is named with random weights")
    .option(
      "--split <name>",
      "part of the data set to train on, or several (train+extra); train by default where there are parts",
    )
    .option("--val-split <name>", "part to choose the best epoch by; val by default where there are parts")
    .option("--limit <number>", "train on the first so many pictures only", integerIn(1, LARGEST))
    .option("--val-limit <number>", "validate on the first so many pictures only", integerIn(1, LARGEST))
    .addOption(strictOption())
    .addOption(firstPixelOption())
    .addOption(maxPixelsOption())
    .option("--size <pixels>", "side of the network's input; 256 by default", inputSize)
    .option(
      "--width <multiplier>",
      "channels of a named model, as its family counts them: 0.25 is yolo11n's own, 0.125 half of that; 1 that of a YOLO11-Lite",
      numberIn(0.01, 10),
    )
    .option(
      "--depth <multiplier>",
      "blocks of a named model, counted likewise: 0.5 is yolo11n's own, 1 that of a YOLO11-Lite",
      numberIn(0.01, 10),
    )
    .addOption(
      new Option("--psa <name>", "attention in the place of C2PSA in a named YOLO11; c2psa by default").choices(
        PSA_KINDS,
      ),
    )
    .option("--epochs <number>", "rounds over the pictures; 40 by default", integerIn(1, LARGEST))
    .option("--batch <number>", "pictures of a step; 8 by default", integerIn(1, 1024))
    .option("--accumulate <number>", "steps of an update; 1 by default", integerIn(1, 1024))
    .addOption(
      new Option("--optimizer <name>", "auto (by the length of the run), sgd or adamw; auto by default").choices(
        ["auto", "sgd", "adamw"] as const,
      ),
    )
    .option("--lr <rate>", "learning rate after the warm-up", numberIn(0, 100))
    .option("--lrf <factor>", "share of it that is left at the end; 0.01 by default", fraction)
    .option("--momentum <number>", "momentum of SGD or first beta of AdamW; 0.937 or 0.9 by default", fraction)
    .option("--weight-decay <number>", "at 64 pictures an update; 0.0005 by default", numberIn(0, 100))
    .option("--warmup <epochs>", "epochs of the warm-up; 3 by default", numberIn(0, 10_000))
    .option("--cosine", "learning rates follow the cosine instead of a line")
    .addOption(decayByOption())
    .addOption(fixedNormOption())
    .option("--clip <norm>", "largest norm of the gradient; 10 by default", numberIn(1e-6, 1e9))
    .addOption(
      new Option("--box-loss <name>", "how boxes are compared; ciou by default").choices(
        ["ciou", "diou", "giou", "iou"] as const,
      ),
    )
    .option("--mosaic <probability>", "of four pictures put together; 1 by default", fraction)
    .option(
      "--close-mosaic <epochs>",
      "epochs without it at the end; 10 or a quarter by default",
      integerIn(0, LARGEST),
    )
    .option("--scale <range>", "sizes change by up to this factor more or less; 0.5 by default", numberIn(0, 0.95))
    .option("--translate <range>", "moved by up to this part of the input; 0.1 by default", fraction)
    .option("--rotate <degrees>", "turned by up to this; 0 by default", numberIn(0, 180))
    .option("--shear <degrees>", "sheared by up to this; 0 by default", numberIn(0, 60))
    .option("--flip-horizontal <probability>", "of left and right exchanged; 0.5 by default", fraction)
    .option("--flip-vertical <probability>", "of top and bottom exchanged; 0 by default", fraction)
    .option("--hue <range>", "hue turned by up to this part of the circle; 0.015 by default", numberIn(0, 0.5))
    .option("--saturation <range>", "saturation changed by up to this factor; 0.7 by default", fraction)
    .option("--value <range>", "brightness changed by up to this factor; 0.4 by default", fraction)
    .option("--no-augment", "pictures as they are")
    .option("--val-every <epochs>", "epochs between validations, 0 for none; 1 by default", integerIn(0, LARGEST))
    .addOption(
      new Option(
        "--quantize <form>",
        "train for weights and activations in int8, or for weights of four bits, ternary or binary ones: with rounding in the loop",
      ).choices(["int8", "4bit", "ternary", "binary"] as const),
    )
    .option(
      "--calibration <pictures>",
      "with --quantize int8: the first so many pictures to train on show ranges; 64 by default",
      integerIn(1, LARGEST),
    )
    .option(
      "--learn-scales",
      "with --quantize int8: scales of activations are trained too, from those that the pictures show",
    )
    .addOption(
      new Option(
        "--photonic <name>",
        "train behind an analog photonic array, with its converters and noise; figures and best.onnx are of the model without it",
      ).choices(photonicNames()),
    )
    .option(
      "--freeze-epochs <epochs>",
      "epochs at the end in which weights rest at their average; with --quantize 1 by default, of 10 epochs and more",
      integerIn(0, LARGEST),
    )
    .option(
      "--sparse-gamma <weight>",
      "draw scales of BatchNormalization to zero before a pruning: weight of their absolute sum, 1e-4 is usual",
      numberIn(1e-12, 1e6),
    )
    .option(
      "--group-lasso <weight>",
      "draw channels that can be removed to zero before a pruning: weight of the sum of their norms in the end",
      numberIn(1e-12, 1e6),
    )
    .option(
      "--sparse-epochs <epochs>",
      "with --group-lasso: epochs in which its weight grows from 0; all of them by default",
      numberIn(0, LARGEST),
    )
    .addOption(distilOptions.distil())
    .addOption(distilOptions.temperature())
    .addOption(distilOptions.teacherSize())
    .addOption(distilOptions.teacherAssigns())
    .addOption(distilOptions.distilMaps())
    .addOption(distilOptions.teacherViews())
    .addOption(distilOptions.teacherCache())
    .addOption(distilOptions.teacherPrecision())
    .addOption(elasticOptions.elastic())
    .addOption(elasticOptions.sizes())
    .addOption(elasticOptions.fixed())
    .addOption(elasticOptions.subnets())
    .option("--no-labels", "with a teacher: only it teaches, and pictures need no labels")
    .addOption(
      new Option("--metric <name>", "figure that the best epoch is chosen by: map (mAP50-95) or map50; map by default")
        .choices(["map", "map50"] as const),
    )
    .option(
      "--patience <epochs>",
      "end after so many without a better one, 0 for never; 100 by default",
      integerIn(0, LARGEST),
    )
    .option("--seed <number>", "of weights and pictures; 0 by default", integerIn(0, LARGEST))
    .addOption(precisionOption())
    .option(
      "--recompute",
      "compute activated maps twice instead of keeping them: nearly half of the memory less, some more time",
    )
    .addOption(memoryLimitOption())
    .addOption(noPlotsOption())
    .option("--workers <number>", "that make batches; half of the processors by default", integerIn(0, 64));
}
