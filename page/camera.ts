/**
 * The camera of the device, frame by frame.
 *
 * @module
 */

import type { RgbImage } from "../src/image/rgb_image.ts";
import { withoutAlpha } from "./paint.ts";

/** Why a camera could not be opened, as a sentence. */
function whyNot(error: unknown): string {
  const name = error instanceof Error ? error.name : "";
  if (name === "NotAllowedError") return "The camera was not allowed.";
  if (name === "NotFoundError") return "No camera was found.";
  return `The camera could not be opened: ${error instanceof Error ? error.message : String(error)}`;
}

/** An opened camera. */
export class Camera {
  readonly #stream: MediaStream;
  readonly #video: HTMLVideoElement;
  readonly #canvas: OffscreenCanvas = new OffscreenCanvas(1, 1);

  private constructor(stream: MediaStream, video: HTMLVideoElement) {
    this.#stream = stream;
    this.#video = video;
  }

  /** Asks for the camera. Throws an Error whose message is a sentence for people. */
  static async open(): Promise<Camera> {
    // Pages that are not from this machine and not encrypted have no cameras.
    const devices = (navigator as Partial<Navigator>).mediaDevices;
    if (devices === undefined) throw new Error("Cameras need a page from https or from this machine.");
    try {
      const stream = await devices.getUserMedia({ video: { width: { ideal: 640 }, height: { ideal: 480 } } });
      const video = Object.assign(document.createElement("video"), { muted: true, playsInline: true });
      video.srcObject = stream;
      await video.play();
      return new Camera(stream, video);
    } catch (error) {
      throw new Error(whyNot(error));
    }
  }

  /** What the camera sees now. */
  grab(): RgbImage {
    const { videoWidth: width, videoHeight: height } = this.#video;
    if (this.#canvas.width !== width || this.#canvas.height !== height) Object.assign(this.#canvas, { width, height });
    const context = this.#canvas.getContext("2d", { willReadFrequently: true })!;
    context.drawImage(this.#video, 0, 0);
    return withoutAlpha(context.getImageData(0, 0, width, height));
  }

  /** Switches it off. */
  close(): void {
    for (const track of this.#stream.getTracks()) track.stop();
    this.#video.srcObject = null;
  }
}
