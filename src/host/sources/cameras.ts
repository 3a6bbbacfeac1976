/**
 * Cameras, through ffmpeg: `camera:0`, and a device's own name.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";
import { readVideo } from "./read_video.ts";
import type { SourceKind } from "./source.ts";

/**
 * ffmpeg's arguments for a camera of a system. `which` is its number, or its name where the system has names.
 *
 * Throws a `FeatherdetError` for a number on Windows, where cameras have none, and for a system whose cameras ffmpeg does not read.
 */
export function cameraInput(which: string, os: typeof Deno.build.os = Deno.build.os): string[] {
  const file = `camera:${which}`;
  if (os === "linux") {
    const device = /^\d+$/.test(which) ? `/dev/video${which}` : which;
    return ["-f", "v4l2", "-i", device];
  }
  if (os === "darwin") return ["-f", "avfoundation", "-framerate", "30", "-i", `${which}:none`];
  if (os !== "windows") throw new FeatherdetError(`cameras of ${os} are not read`, { file });
  if (!/^\d+$/.test(which)) return ["-f", "dshow", "-i", `video=${which}`];
  throw new FeatherdetError(
    "Windows gives cameras no numbers: name it as `ffmpeg -list_devices true -f dshow -i dummy` does, camera:NAME",
    { file },
  );
}

/** Cameras. */
export const CAMERAS: SourceKind = {
  name: "camera",
  means: (word) => /^camera:./i.test(word) || /^\/dev\/video\d+$/.test(word),
  list(word) {
    const which = word.replace(/^camera:/i, "");
    return {
      sources: [{
        ...{ file: word, content: "video" },
        async *frames({ signal }) {
          const input = cameraInput(which);
          const device = input.at(-1)!;
          if (Deno.build.os === "linux" && device.startsWith("/dev/")) {
            await Deno.stat(device).catch(() => {
              throw new FeatherdetError(`there is no camera ${device}`, { file: word });
            });
          }
          yield* readVideo({ file: word, input, isLive: true, signal });
        },
      }],
      notes: [],
    };
  },
};
