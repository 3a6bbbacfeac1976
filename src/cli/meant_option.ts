/**
 * Options of other programs for the same things, and beginnings of ours: what somebody meant who wrote an option that a verb does not have.
 *
 * @module
 */

/** Our options by what they are called elsewhere. */
const ELSEWHERE: Readonly<Record<string, readonly string[]>> = {
  "--size": ["--imgsz", "--img", "--img-size", "--image-size", "--imgs", "--input-size", "--resolution"],
  "--confidence": ["--conf", "--conf-thres", "--conf-threshold", "--score", "--threshold", "--min-score"],
  "--iou": ["--iou-thres", "--nms", "--nms-threshold", "--overlap"],
  "--model": ["--weights", "--cfg", "--onnx", "--checkpoint", "--network"],
  "--image": ["--source", "--images", "--input", "--img", "--picture", "--file"],
  "--data": ["--dataset", "--data-set", "--set", "--yaml"],
  "--draw": ["--save", "--save-img", "--output", "--out", "--show", "--project"],
  "--out": ["--output", "--save", "--save-json", "--project", "--name", "--save-dir", "--out-dir"],
  "--precision": ["--half", "--fp16", "--int8", "--dtype", "--type", "--f16"],
  "--epochs": ["--epoch", "--iterations"],
  "--batch": ["--batch-size", "--bs"],
  "--limit": ["--max", "--first", "--count", "--num-images", "--fraction"],
  "--calibrate": ["--calib", "--calibration", "--calibration-data"],
  "--variant": ["--only", "--variants"],
  "--only": ["--variant", "--variants"],
  "--json": ["--save-txt", "--format"],
};

/** The option among `known` whose value somebody gave without it, as far as its look tells. */
export function meantFor(value: string, known: readonly string[]): string | undefined {
  const order = /\.(onnx|ckpt)$/i.test(value)
    ? ["--model", "--student"]
    : /\.(jpe?g|png|webp|bmp|gif|tiff?|avif|heic)$/i.test(value)
    ? ["--image"]
    : /\.ya?ml$|[\\/]/i.test(value)
    ? ["--data", "--calibrate", "--image"]
    : ["--model", "--data"];
  return order.find((option) => known.includes(option));
}

/** The option among `known` that was meant by `unknown`, if one was. */
export function meantOption(unknown: string, known: readonly string[]): string | undefined {
  const written = unknown.toLowerCase().replaceAll("_", "-");
  const named = known.find((option) => ELSEWHERE[option]?.includes(written));
  const bare = written.replace(/^--?/, "");
  if (named !== undefined || bare.length < 2) return named;
  return known.find((option) => option.startsWith(`--${bare}`) || (option.length > 5 && written.startsWith(option)));
}
