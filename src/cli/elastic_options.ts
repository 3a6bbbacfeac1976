/**
 * Options of training an elastic network.
 *
 * @module
 */

import { InvalidArgumentError, Option } from "npm:@commander-js/extra-typings@15.1.0";
import { ELASTIC_PARTS, type ElasticPart } from "../recipes/elastic/training.ts";
import { inputSize, integerIn, numberIn } from "./arguments.ts";

const listOf = <T>(parse: (text: string) => T) => (text: string): T[] => text.split(",").map(parse);

function partOf(text: string): ElasticPart {
  const part = ELASTIC_PARTS.find((one) => one === text);
  if (part !== undefined) return part;
  throw new InvalidArgumentError(`Expected ${ELASTIC_PARTS.join(" or ")}.`);
}

/** The options, made anew for each command. */
export const elasticOptions = {
  elastic: () =>
    new Option(
      "--elastic [widths]",
      "train sub-networks that share the weights: shares of its channels that each row may have, up to 1; 0.5,0.75,1 by default",
    ).argParser(listOf(numberIn(0.01, 1))),
  sizes: () =>
    new Option("--elastic-sizes <sides>", "with --elastic: smaller input sizes that are trained too, such as 96,128")
      .argParser(listOf(inputSize)),
  fixed: () =>
    new Option("--elastic-fixed <parts>", "with --elastic: what stays as it is, depth or kernels or both")
      .argParser(listOf(partOf)),
  subnets: () =>
    new Option(
      "--subnets <number>",
      "with --elastic: sub-networks of chance in each step, besides the whole one and the smallest; 2 by default",
    ).argParser(integerIn(0, 64)),
};
