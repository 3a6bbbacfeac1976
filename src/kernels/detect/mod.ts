/**
 * Makers of the kernels of detection. A frame is: `letterbox` for each image (or `convOfPicture` in the place of both it and the first
 * convolution), the network, `decodeHead` (or `decodeTensor` where
 * the head is not known), `suppress`, and one readback of `detect/result`. The buffers between them are listed by
 * `detectBuffers`.
 *
 * @module
 */

export { anchorsOf, decodeHead, type HeadLevel, yoloOutput } from "./head.ts";
export { FAULTS } from "./faults.ts";
export { convOfPicture, letterbox, type PictureView, samplesOf } from "./picture.ts";
export {
  DETECT_VALUES,
  type DetectBuffer,
  detectBuffers,
  type DetectSpace,
  FRAME_STRIDE,
  MAX_CANDIDATES,
  MAX_DETECTIONS,
  RESULT_STRIDE,
} from "./space.ts";
export { suppress } from "./suppress.ts";
export { decodeTensor, type TensorLayout, USUAL_LAYOUT } from "./tensor.ts";
