/**
 * Pictures at URLs.
 *
 * @module
 */

import { fetchBytes } from "../../onnx/fetch.ts";
import { decodeInTime, type SourceKind } from "./source.ts";

/** Pictures at URLs. */
export const PICTURE_URLS: SourceKind = {
  name: "picture at a URL",
  means: (word) => /^https?:\/\//i.test(word),
  list: (file) => ({
    sources: [{
      ...{ file, content: "picture" },
      async *frames({ decode = decodeInTime }) {
        yield { file, image: async () => await decode(await fetchBytes(file), file) };
      },
    }],
    notes: [],
  }),
};
