/**
 * `node:path` for the page, under which name the readers of data sets import it: paths with slashes.
 *
 * @module
 */

// @ts-types="npm:@types/path-browserify@1.0.3"
import path from "npm:path-browserify@1.0.1";

export const { basename, dirname, extname, isAbsolute, join, normalize, parse, relative, resolve } = path;

/** The same: there are no other paths here. */
export const posix = path;
