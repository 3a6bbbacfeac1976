/**
 * Files that must be refused: models and pictures, made from good ones.
 *
 * @module
 */

import { encodeJpeg, encodePng } from "../../src/image/codec/encode.ts";
import { syntheticPicture } from "../../src/data/synthetic.ts";
import { demoDetector } from "../../src/models/demo_detector.ts";
import { schema } from "../../src/onnx/proto.ts";
import { saveOnnx } from "../../src/onnx/mod.ts";

/** A file and the sentence that refuses it, without the file's name in front. */
export interface BadFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly says: RegExp;
}

type Model = InstanceType<typeof schema.ModelProto>;

/** A small good model. */
export function goodModel(): Uint8Array {
  return saveOnnx(demoDetector({ size: 64 }));
}

/** The good model with something changed. */
function changed(change: (model: Model) => void): Uint8Array {
  const model = schema.ModelProto.decode(goodModel());
  change(model);
  return schema.ModelProto.encode(model).finish();
}

const firstConv = ({ graph }: Model) => graph!.node!.find(({ opType }) => opType === "Conv")!;

/** Models that cannot be loaded. */
export function badModels(): BadFile[] {
  const good = goodModel();
  const text = (words: string) => new TextEncoder().encode(words);
  return [
    { name: "text.onnx", bytes: text("not a model\n"), says: /^is not an ONNX model but a text file$/ },
    {
      name: "noise.onnx",
      bytes: Uint8Array.from({ length: 4096 }, (_, i) => (i * 2654435761) >>> 24),
      says: /^is not an ONNX model/,
    },
    { name: "empty.onnx", bytes: new Uint8Array(0), says: /^is empty$/ },
    {
      name: "half.onnx",
      bytes: good.subarray(0, good.length >> 1),
      says: /^is cut short: it ends after \d+ bytes in the middle of the ONNX model$/,
    },
    {
      name: "operator.onnx",
      bytes: changed((model) => firstConv(model).opType = "DeformConv"),
      says: /^DeformConv "model\.0\/conv": operator is not supported \(inputs \[1,3,64,64\], \[8,3,3,3\]/,
    },
    {
      name: "attribute.onnx",
      bytes: changed((model) =>
        firstConv(model).attribute!.push(schema.AttributeProto.create({ name: "auto_pad", type: 3, s: text("SAME") }))
      ),
      says: /^Conv "model\.0\/conv": auto_pad "SAME" is not known$/,
    },
    {
      name: "open.onnx",
      bytes: changed(({ graph }) => graph!.input![0].type!.tensorType!.shape!.dim![2] = { dimParam: "height" }),
      // In a program, and on the command line.
      says: /^input "images" (leaves height of )?\[1,3,height,64\] (open; give its shape|has no size .* with --size$)/,
    },
    {
      name: "nan.onnx",
      bytes: changed(({ graph }) => {
        const weight = graph!.initializer!.find(({ dims }) => dims!.length === 4)!;
        const bytes = Uint8Array.from(weight.rawData!);
        new DataView(bytes.buffer).setFloat32(4 * 5, NaN, true);
        weight.rawData = bytes;
      }),
      says: /^constant "model\.0\.weight" holds NaN at index 5$/,
    },
  ];
}

/** Pictures that cannot be read. */
export async function badPictures(): Promise<BadFile[]> {
  const { image } = syntheticPicture({ seed: 1, width: 64, height: 64 });
  const jpeg = await encodeJpeg(image), png = await encodePng(image);
  const huge = png.slice();
  const header = new DataView(huge.buffer);
  header.setUint32(16, 100_000);
  header.setUint32(20, 100_000);
  return [
    {
      name: "text.jpg",
      bytes: new TextEncoder().encode("hello, I am a picture"),
      says: /^not an image \(JPEG, .*\), it starts with "hello/,
    },
    { name: "empty.jpg", bytes: new Uint8Array(0), says: /^the file is empty/ },
    { name: "half.jpg", bytes: jpeg.subarray(0, jpeg.length >> 1), says: /^broken JPEG: / },
    { name: "half.png", bytes: png.subarray(0, png.length >> 1), says: /^broken PNG: / },
    { name: "huge.png", bytes: huge, says: /^the image is 100000x100000, more than the 100 megapixels/ },
  ];
}
