/**
 * What the page is told of its models: made from the result table when the page is built, read as `models.json`.
 *
 * @module
 */

/** One model that can be chosen. */
export interface PageModel {
  readonly id: string;
  readonly title: string;
  /** Beside the page. */
  readonly file: string;
  readonly precision: "f32" | "f16" | "int8";
  /** Side of its input in pixels. */
  readonly size: number;
  readonly bytes: number;
  /** 0 to 1; absent where the table has not measured this model in this precision. */
  readonly map?: number;
  readonly map50?: number;
}

/** Content of `models.json`. */
export interface PageData {
  readonly models: readonly PageModel[];
  /** Models that are shown first, by id. */
  readonly shown: readonly string[];
  /** What the figures were measured on, as a sentence. */
  readonly source: string;
  /** The picture that is shown first, beside the page. */
  readonly sample: string;
  /** The CPU engine's runtime, beside the page; absent where the page was built without it. */
  readonly cpu?: {
    /** The module that is imported when the engine is chosen. */
    readonly module: string;
    /** What is loaded then. */
    readonly bytes: number;
  };
}
