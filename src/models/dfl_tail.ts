/**
 * The end of a YOLO11 detector: from the per-level branches of its head to `output0`.
 *
 * Every anchor carries, for each side of its box, a distribution over 16 distances in steps of its stride (distribution focal
 * loss, DFL) whose mean is the distance. Nodes and names follow the usual ONNX export, so that importers, planners and
 * kernels meet one form only.
 *
 * @module
 */

import type { GraphEditor } from "../graph/editor.ts";

/** Distances per side of a box. */
export const DFL_BINS = 16;

/** One level of the pyramid. */
export interface HeadLevel {
  /** Value `[batch, 4 * DFL_BINS, rows, columns]`: logits of left, top, right, bottom. */
  readonly box: string;
  /** Value `[batch, classes, rows, columns]`: class logits. */
  readonly classes: string;
  readonly rows: number;
  readonly columns: number;
  /** Input pixels from one anchor to the next. */
  readonly stride: number;
}

/** Centres of the anchors in strides (`[1, 2, anchors]`: x, then y) and their strides (`[1, anchors]`), level by level. */
export function anchorPoints(levels: readonly HeadLevel[]): { centres: Float32Array; strides: Float32Array } {
  const count = levels.reduce((sum, { rows, columns }) => sum + rows * columns, 0);
  const centres = new Float32Array(2 * count);
  const strides = new Float32Array(count);
  let at = 0;
  for (const { rows, columns, stride } of levels) {
    for (let y = 0; y < rows; y++) {
      for (let x = 0; x < columns; x++, at++) {
        centres[at] = x + 0.5;
        centres[count + at] = y + 0.5;
        strides[at] = stride;
      }
    }
  }
  return { centres, strides };
}

/**
 * Appends the decode and returns the output's name, `output0`: `[batch, 4 + classes, anchors]` with rows centre x, centre y,
 * width, height in input pixels and class scores in 0..1.
 */
export function appendDflTail(
  editor: GraphEditor,
  prefix: string,
  levels: readonly HeadLevel[],
  batch: number,
  classes: number,
): string {
  const { centres, strides } = anchorPoints(levels);
  const anchors = strides.length;
  const name = (suffix: string) => `${prefix}/${suffix}`;
  const table = (suffix: string, shape: number[], data: number[] | Float32Array) =>
    editor.constant(name(suffix), shape, Float32Array.from(data));

  const flat = (value: string, channels: number, level: HeadLevel, index: number) =>
    editor.node("Reshape", name(`Reshape_${index}`), [value], {
      shape: [batch, channels, level.rows * level.columns],
    });
  const boxes = levels.map((level, i) => flat(level.box, 4 * DFL_BINS, level, i));
  const logits = levels.map((level, i) => flat(level.classes, classes, level, levels.length + i));
  const joinedBoxes = editor.node("Concat", name("Concat"), boxes, { axis: 2 });
  const joinedLogits = editor.node("Concat", name("Concat_1"), logits, { axis: 2 });

  const sides = editor.node("Reshape", name("dfl/Reshape"), [joinedBoxes], { shape: [batch, 4, DFL_BINS, anchors] });
  const binsFirst = editor.node("Transpose", name("dfl/Transpose"), [sides], { perm: [0, 2, 1, 3] });
  const distribution = editor.node("Softmax", name("dfl/Softmax"), [binsFirst], { axis: 1 });
  const bins = editor.constant(
    `${prefix}.dfl.conv.weight`,
    [1, DFL_BINS, 1, 1],
    Float32Array.from({ length: DFL_BINS }, (_, i) => i),
  );
  const mean = editor.node("Conv", name("dfl/Conv"), [distribution, bins], {
    strides: [1, 1],
    pads: [0, 0, 0, 0],
    dilations: [1, 1],
    groups: 1,
  });
  const distances = editor.node("Reshape", name("dfl/Reshape_1"), [mean], { shape: [batch, 4, anchors] });

  const half = (suffix: string, start: number) =>
    editor.node("Slice", name(suffix), [distances], { axes: [1], starts: [start], ends: [start + 2], steps: [1] });
  const centresName = table("anchors", [1, 2, anchors], centres);
  const topLeft = editor.node("Sub", name("Sub"), [centresName, half("Slice", 0)], {});
  const bottomRight = editor.node("Add", name("Add"), [centresName, half("Slice_1", 2)], {});
  const sum = editor.node("Add", name("Add_1"), [topLeft, bottomRight], {});
  const size = editor.node("Sub", name("Sub_1"), [bottomRight, topLeft], {});
  const middle = editor.node("Div", name("Div"), [sum, table("two", [1], [2])], {});
  const strideUnits = editor.node("Concat", name("Concat_2"), [middle, size], { axis: 1 });
  const pixels = editor.node("Mul", name("Mul"), [strideUnits, table("strides", [1, anchors], strides)], {});
  const scores = editor.node("Sigmoid", name("Sigmoid"), [joinedLogits], {});
  return editor.node("Concat", "output0", [pixels, scores], { axis: 1 });
}
