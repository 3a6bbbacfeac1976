/**
 * Videos in files and at URLs.
 *
 * @module
 */

import { readVideo } from "./read_video.ts";
import type { Source, SourceKind } from "./source.ts";
import { accessError } from "../../data/files.ts";

/** Names of videos. */
const VIDEO_NAME =
  /^(?:.*[\\/])?(?!\._)[^\\/]+\.(mp4|m4v|mov|mkv|webm|avi|mpe?g|mts|m2ts|ts|wmv|flv|3gp|ogv|y4m|mjpe?g)$/i;

/** True for the name of a video. */
export function isVideoName(name: string): boolean {
  return VIDEO_NAME.test(name);
}

/** A video in a file. */
export function videoFile(file: string): Source {
  return {
    ...{ file, content: "video" },
    async *frames({ signal }) {
      try {
        await Deno.stat(file);
      } catch (error) {
        throw accessError(error, file);
      }
      // The prefix keeps a name like "a:b.mp4" from being taken for a protocol.
      yield* readVideo({ file, input: ["-i", `file:${file}`], signal });
    },
  };
}

/** A video at a URL, which ffmpeg fetches itself. */
function videoUrl(file: string): Source {
  const isLive = /^(rtsps?|rtmps?|udp|rtp|srt):/i.test(file);
  return {
    ...{ file, content: "video" },
    frames: ({ signal }) => readVideo({ file, input: ["-i", file], isLive, signal }),
  };
}

const pathOf = (url: string) => URL.canParse(url) ? new URL(url).pathname : url;

/** Videos at URLs: by their ending, and what only videos are sent by. */
export const VIDEO_URLS: SourceKind = {
  name: "video at a URL",
  means: (word) =>
    /^(rtsps?|rtmps?|udp|rtp|srt):\/\//i.test(word) ||
    /^https?:\/\//i.test(word) && (isVideoName(pathOf(word)) || /\.m3u8$/i.test(pathOf(word))),
  list: (word) => ({ sources: [videoUrl(word)], notes: [] }),
};
